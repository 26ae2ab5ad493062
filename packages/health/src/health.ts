import {
  createEmitter,
  createOutboxRelay,
  createSealer,
  createStreams,
  newId,
  silentLogger,
  systemClock,
  type Emitter,
  type Module,
  type ScopeInit,
} from '@dotmac/core';
import { createConnector } from '@dotmac/core/net';
import { createAlerts } from './alerts/alerts.js';
import { atLeastOne } from './at-least-one.js';
import { channelRegistry } from './channels/registry.js';
import { deliveryThrough } from './channels/deliver-through.js';
import type { HealthContext } from './context.js';
import { checkIntervalsOf, endpointSchemas } from './endpoints/endpoint.js';
import { createPlaces } from './endpoints/places.js';
import { createTurns } from './endpoints/turns.js';
import { healthEvents, type HealthEvents } from './events.js';
import { createRecorder } from './history/recorder.js';
import { retentionOf } from './history/resolution.js';
import { createRetention, keptDaysOf } from './history/retention.js';
import { createEvaluator } from './objectives/evaluator.js';
import { createShownTwice } from './objectives/shown-twice.js';
import { openHeartbeats } from './heartbeats/service.js';
import { createWatch } from './heartbeats/watch.js';
import { observeEndpoints } from './endpoint-metrics.js';
import { healthMetrics } from './metrics.js';
import { createClockSteps } from './monitoring/clock-steps.js';
import { createConnectivity } from './monitoring/connectivity.js';
import { createDirectory } from './monitoring/directory.js';
import { createLateness, latenessBounds } from './monitoring/lateness.js';
import { createMonitor } from './monitoring/monitor.js';
import { preparation } from './monitoring/prepare.js';
import { heartbeatProbe } from './probes/heartbeat.js';
import { addressingsOf, probeRegistry } from './probes/registry.js';
import type { HealthOptions } from './options.js';
import { routesFor } from './routes.js';
import { changesOf } from './sharing/changes.js';
import { createFollower } from './sharing/follow.js';
import { createHandOver } from './sharing/hand-over.js';
import { createMonitorLease } from './sharing/monitor-lease.js';
import { createProcesses, type Monitoring } from './sharing/processes.js';
import { createStatusBoard } from './status-feeds/board.js';
import { openStatusFeeds } from './status-feeds/open.js';
import { healthScope, type HealthScope, type OpenHealth } from './scope.js';
import { emitterSubscriber } from './store/outbox-entries.js';
import { createCalendar } from './windows/calendar.js';
import { createEventTail, type SeenEvent } from './stream/event-tail.js';

/** The health domain as a module. */
export interface Health extends Module<HealthScope> {
  /**
   * What happened, after it was committed: each event at least once, in one of the processes on the store, after a restart
   * too. What every process is to know is told by {@link HealthScope.onTransition} and {@link HealthScope.stream}.
   */
  readonly events: Emitter<HealthEvents>;
  readonly open: OpenHealth;
  /** Who monitors the endpoints of the store, as far as this process knows. */
  monitoring(): Monitoring;
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
  const { maxEndpoints = 10_000 } = options;
  const metrics = options.metrics && healthMetrics(options.metrics);
  const events = createEmitter<HealthEvents>({ logger });
  const relay = createOutboxRelay({ outbox: store.outbox, events: healthEvents, clock, logger });
  relay.subscribe({ name: emitterSubscriber, deliver: (event) => events.emit(event) });
  const followed = createEmitter<HealthEvents>({ logger });
  const streams = createStreams<SeenEvent>(options);
  const tail = createEventTail({
    ...{ store, clock, logger },
    tell(seen) {
      streams.tell(seen.event.tenantId, seen);
      followed.emit(seen.event);
    },
    isFollowed: () => followed.listening > 0 || streams.topics.length > 0,
  });
  /** This process has committed events. */
  const nudge = (): void => {
    relay.nudge();
    tail.nudge();
  };
  const steps = createClockSteps(clock);
  const directory = createDirectory();
  if (options.metrics && options.endpointMetrics) observeEndpoints(options.metrics, directory);
  const connector = createConnector({ ...(options.egress && { policy: options.egress }), clock });
  const { hostEgress } = options;
  const connectors = {
    tenant: connector,
    host: hostEgress ? createConnector({ policy: hostEgress, clock }) : connector,
  };
  const watch = createWatch({ store, term: () => processes.term(), clock });
  const probes = probeRegistry(options.probes, targets, heartbeatProbe({ store, watch }));
  const sealer = options.secret === undefined ? undefined : createSealer([options.secret].flat(), 'dotmac health');
  const retention = retentionOf(options.retentionDays);
  const keptResults = atLeastOne('keptResults', { recent: 100, issues: 20 }, options.keptResults);
  const limits = atLeastOne('concurrency', { total: 100, perTenant: 50, perHost: 8 }, options.concurrency);
  const [instance, origin] = [options.instance ?? newId(), newId()];
  const leaseTtlMs = Math.max(2_000, options.leaseTtlMs ?? 15_000);
  const lease = createMonitorLease({ leases: store.leases, instance, id: origin, ttlMs: leaseTtlMs, clock });
  const handOver = createHandOver(store, { clock, metrics });
  const calendar = createCalendar({ store, clock });
  const recorder = createRecorder({
    store,
    directory,
    calendar,
    term: () => processes.term(),
    onFenced: () => processes.doubt(),
    publish: nudge,
    clock,
    logger,
    metrics,
    maxPending: options.maxPending ?? 200_000,
    rings: keptResults,
  });
  const monitor = createMonitor({
    directory,
    prepare: preparation(probes, sealer, connectors),
    recorder,
    handOver: (kept, result, at) => handOver.give(kept, result, at),
    connectivity: options.connectivity && createConnectivity(options.connectivity, { clock, logger }),
    metrics,
    clock,
    steps,
    logger,
    limits,
  });
  const processes = createProcesses({
    ...{ store, directory, monitor, recorder, handOver, lease, leaseTtlMs, instance, metrics, clock, logger },
    follower: createFollower({ store, directory, monitor, recorder, origin, clock }),
    competes: options.monitoring ?? true,
    onChange: options.onMonitoring ?? (() => undefined),
  });
  const lateness = createLateness(
    { monitor: () => (processes.isLeading() ? monitor.overdueMs() : 0), store: recorder.unstoredMs },
    { bounds: latenessBounds(options.lateness), clock, logger },
  );
  const statusBoard = createStatusBoard({ store, directory, calendar, retention, clock });
  const channels = channelRegistry(options.channels);
  const through = deliveryThrough({ channels, sealer, connector, clock });
  const alerts = createAlerts({
    ...{ store, relay, directory, calendar, through, metrics, clock, steps, logger },
    isElsewhere: processes.isElsewhere,
  });
  const pruning = createRetention({
    ...{ store, clock, logger, retention },
    keptDays: keptDaysOf(options.keptDays),
  });
  const checkIntervals = checkIntervalsOf(options.checkIntervals);
  const schemas = endpointSchemas({ serviceTypes: addressingsOf(probes), checkIntervals });
  let state: 'stopped' | 'starting' | 'running' = 'stopped';

  const context: HealthContext = {
    store,
    directory,
    followed,
    recorder,
    monitor,
    connectors,
    adHocConnector: adHocTargets && createConnector({ policy: adHocTargets.egress, clock }),
    probes,
    sealer,
    calendar,
    statusBoard,
    watch,
    monitoring: processes.monitoring,
    streams,
    channels,
    through,
    retention,
    keptResults,
    targets,
    docker,
    clock,
    steps,
    shownTwice: createShownTwice(),
    schemas,
    checkIntervals,
    maxEndpoints,
    places: createPlaces(directory, maxEndpoints),
    inTurn: createTurns(),
    tellOthers: (changes, trx) => store.noteChanges(changes, origin, trx),
    async change(events, work) {
      const result = await store.transaction(async (trx) => {
        const told = [...events];
        const done = await work(trx, (event) => void told.push(event));
        const changes = changesOf(told);
        if (changes.length > 0) await context.tellOthers(changes, trx);
        await relay.publish(told, trx);
        await store.logEvents(
          told.map((event) => healthEvents.encode(event)),
          trx,
        );
        return done;
      });
      tail.nudge();
      return result;
    },
  };

  const evaluator = createEvaluator(context, logger);

  return {
    name: 'health',
    routes: routesFor(schemas),
    events,
    open: { heartbeats: openHeartbeats(context), statusFeeds: openStatusFeeds(statusBoard) },
    scope: (init: ScopeInit) => healthScope(context, init),
    async start() {
      if (state !== 'stopped') return;
      state = 'starting';
      streams.open();
      try {
        await ((options.migrate ?? true) ? store.migrate() : store.checkMigrated());
        await tail.begin();
        await processes.open();
      } catch (error) {
        state = 'stopped';
        throw error;
      }
      relay.start();
      tail.start();
      alerts.start();
      evaluator.start();
      recorder.start();
      pruning.start();
      if (options.monitoring ?? true) monitor.start();
      processes.start();
      lateness.start();
      state = 'running';
    },
    async stop() {
      if (state === 'stopped') return;
      state = 'stopped';
      lateness.stop();
      streams.close();
      await processes.pause();
      await monitor.stop();
      await recorder.stop();
      await watch.stop();
      await processes.close();
      await pruning.stop();
      await evaluator.stop();
      await alerts.stop();
      await relay.stop();
      await tail.stop();
    },
    monitoring: processes.monitoring,
    readiness() {
      if (state !== 'running') return { ready: false, parts: { health: state } };
      const behind = Object.fromEntries(lateness.behind().map((part) => [part, 'behind']));
      const parts = { health: state, monitor: processes.monitoring().role, ...behind };
      return { ready: !lateness.isUnready(), parts };
    },
  };
}
