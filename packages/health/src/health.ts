import {
  createEmitter,
  createOutboxRelay,
  scopeIdentity,
  silentLogger,
  systemClock,
  type Clock,
  type Emitter,
  type Logger,
  type Module,
  type ScopeInit,
} from '@dotmac/core';
import { createConnector, type EgressPolicy } from '@dotmac/core/net';
import type Docker from 'dockerode';
import type { Registry } from 'prom-client';
import type { HealthContext } from './context.js';
import { endpointService, type EndpointService } from './endpoints/service.js';
import { healthEvents, type HealthEvents } from './events.js';
import { createRecorder } from './history/recorder.js';
import { createRetention } from './history/retention.js';
import { historyService, type HistoryService } from './history/service.js';
import { healthMetrics } from './metrics.js';
import { createDirectory, type Directory } from './monitoring/directory.js';
import { createMonitor } from './monitoring/monitor.js';
import { healthRoutes } from './routes.js';
import { serviceCheckService, type ServiceCheckService } from './service-checks/service.js';
import type { ServiceTarget } from './service-checks/target.js';
import { emitterSubscriber } from './store/outbox-entries.js';
import type { HealthStore } from './store/store.js';
import { figuresOf, summaryOf, type HealthFigures, type HealthSummary } from './summary/summary.js';

/** How health is set up. */
export interface HealthOptions {
  store: HealthStore;
  /** Where the endpoints that tenants register may lie. Default: public addresses only. */
  egress?: EgressPolicy;
  /** Services that can be checked by name. */
  targets?: Record<string, ServiceTarget>;
  /** Allows checks by connection string, towards these networks alone. Default: refused. */
  adHocTargets?: { egress: EgressPolicy };
  /** Allows checks of any container on this engine, by `container_id`. Default: refused. */
  docker?: Docker;
  /** Check endpoints. Off for tools and tests that only keep and show them. Default true. */
  monitoring?: boolean;
  /** Checks at once. Default 100. */
  concurrency?: number;
  /** Endpoints a tenant may have. Default 10,000. */
  maxEndpoints?: number;
  /** How long checks are kept, in days. Default 7, as far back as trends go. */
  retentionDays?: number;
  /** Checks kept in memory while the store is out of reach. Default 50,000. */
  maxPendingChecks?: number;
  clock?: Clock;
  logger?: Logger;
  /** The host's prom-client registry. */
  metrics?: Registry;
  /** Apply migrations at start. Default true. */
  migrate?: boolean;
}

/** Health for one tenant. */
export interface HealthScope {
  readonly endpoints: EndpointService;
  readonly history: HistoryService;
  readonly checks: ServiceCheckService;
  /** All endpoints at a glance, from kept state. */
  summary(): HealthSummary;
  /** The figures of {@link summary} without the endpoints. */
  status(): HealthFigures;
}

/** The health domain as a module. */
export interface Health extends Module<HealthScope> {
  /** What happened, after it was committed; each event at least once. */
  readonly events: Emitter<HealthEvents>;
}

/**
 * Makes the health domain. Nothing runs before `start()`.
 *
 * @example
 * const health = createHealth({ store: kyselyHealthStore(sqlite('ops.db')) });
 * await health.start();
 * await health.scope({ tenantId: 'acme' }).endpoints.register({ name: 'gw', host: 'gw.example.com', port: 443, serviceType: 'https' });
 */
export function createHealth(options: HealthOptions): Health {
  const { store, clock = systemClock, logger = silentLogger, targets = {}, adHocTargets, docker } = options;
  const metrics = options.metrics && healthMetrics(options.metrics);
  const events = createEmitter<HealthEvents>({ logger });
  const relay = createOutboxRelay({ outbox: store.outbox, events: healthEvents, clock, logger });
  relay.subscribe({ name: emitterSubscriber, deliver: (event) => events.emit(event) });
  const directory = createDirectory();
  const connector = createConnector({ ...(options.egress && { policy: options.egress }), clock });
  const maxPending = options.maxPendingChecks ?? 50_000;
  const recorder = createRecorder({
    store,
    directory,
    publish: () => relay.nudge(),
    clock,
    logger,
    metrics,
    maxPending,
  });
  const monitor = createMonitor({
    directory,
    connector,
    recorder,
    metrics,
    clock,
    logger,
    concurrency: options.concurrency ?? 100,
  });
  const retention = createRetention({ store, clock, logger, retentionMs: (options.retentionDays ?? 7) * 86_400_000 });
  const monitoring = options.monitoring ?? true;
  let state: 'stopped' | 'starting' | 'running' = 'stopped';

  const context: HealthContext = {
    store,
    directory,
    recorder,
    connector,
    adHocConnector: adHocTargets && createConnector({ policy: adHocTargets.egress, clock }),
    targets,
    docker,
    clock,
    maxEndpoints: options.maxEndpoints ?? 10_000,
    checkSoon: (endpointId) => monitor.checkSoon(endpointId),
    async change(event, work) {
      await store.transaction(async (trx) => {
        await work(trx);
        await relay.publish([event], trx);
      });
    },
  };

  return {
    name: 'health',
    routes: healthRoutes,
    events,
    scope(init: ScopeInit) {
      const identity = scopeIdentity(init);
      const { tenantId } = identity;
      return {
        endpoints: endpointService(context, identity),
        history: historyService(context, tenantId),
        checks: serviceCheckService(context),
        summary: () => summaryOf([...directory.ofTenant(tenantId)], clock.now()),
        status: () => figuresOf(directory.ofTenant(tenantId), clock.now()),
      };
    },
    async start() {
      if (state !== 'stopped') return;
      state = 'starting';
      try {
        if (options.migrate ?? true) await store.migrate();
        await loadEndpoints(store, directory);
      } catch (error) {
        state = 'stopped';
        throw error;
      }
      relay.start();
      recorder.start();
      retention.start();
      if (monitoring) monitor.start();
      state = 'running';
    },
    async stop() {
      if (state === 'stopped') return;
      state = 'stopped';
      await monitor.stop();
      await retention.stop();
      await recorder.stop();
      await relay.stop();
    },
    readiness: () => ({ ready: state === 'running', parts: { health: state } }),
  };
}

async function loadEndpoints(store: HealthStore, directory: Directory): Promise<void> {
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<HealthStore['everyEndpoint']>> = await store.everyEndpoint({ limit: 1_000, after });
    for (const { endpoint, state } of page.items) directory.add(endpoint, state ?? undefined);
    after = page.nextCursor;
  } while (after !== null);
}
