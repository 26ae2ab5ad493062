import {
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
  type Module,
  type ScopeInit,
  type StoreTransaction,
} from '@dotmac/core';
import { routesWithin } from '@dotmac/core/contract';
import type { ApiOptions, Authenticate, ServedModule } from '@dotmac/core/http';
import { kyselyIdempotencyStore, type Database } from '@dotmac/core/kysely';
import { createHealth, kyselyHealthStore, type Health, type HealthOptions } from '@dotmac/health';
import { createLifecycle, kyselyLifecycleStore, type Lifecycle, type LifecycleOptions } from '@dotmac/lifecycle';
import {
  createMaintenance,
  defaultThrottle,
  kyselyMaintenanceStore,
  type MaintenanceModule,
  type MaintenanceOptions,
} from '@dotmac/maintenance';
import type { Registry } from 'prom-client';
import type { OperationsScope } from './scope.js';
import type { OperationsStatus } from './status/status.js';
import { yieldToHealth, type DatabaseEndpoint } from './links/yield-to-health.js';
import { statusRoutes } from './status/routes.js';

/** What the domains are given by `createOperations` itself. */
type Shared = 'store' | 'clock' | 'logger' | 'migrate' | 'metrics';

/** How the three domains are set up together. `Trx` is what hooks take part in: `Transaction<AppTables>` of Kysely's. */
export interface OperationsOptions<Trx = StoreTransaction> {
  /** Where everything is kept. */
  database: Database;
  /** Who is asking, for the adapters. Not needed by applications that use the scopes in code alone. */
  authenticate?: Authenticate;
  /** Options of `createHealth`. */
  health?: Omit<HealthOptions, Shared>;
  /** Options of `createLifecycle`. */
  lifecycle?: Omit<LifecycleOptions<Trx>, Shared>;
  /** Options of `createMaintenance`: without policies nothing is ever touched. */
  maintenance?: Omit<MaintenanceOptions, Shared>;
  /**
   * Endpoints that stand for databases of maintenance's, by the databases' names: work on a database pauses while its endpoint is
   * degraded, critical or offline, besides what `maintenance.throttle` says. Default none.
   */
  yieldToHealth?: Readonly<Record<string, DatabaseEndpoint>>;
  /** Rate limits, body limit, document and the like, for the adapters. */
  http?: Omit<ApiOptions, 'authenticate' | 'clock' | 'logger' | 'metrics'>;
  /** What time goes by, leases and deliveries too; for tests, a `fakeClock()`. Default the system's, and the database's for those. */
  clock?: Clock;
  /** A pino instance fits as it is. Default: silence. */
  logger?: Logger;
  /** The host's prom-client registry; with it comes `GET /metrics`. */
  metrics?: Registry;
  /** Apply migrations at start. Default true. */
  migrate?: boolean;
}

/** The three domains as one module; mount it with `expressRouter` or `fastifyRoutes`. */
export interface Operations extends ServedModule<OperationsScope> {
  readonly health: Health;
  readonly lifecycle: Lifecycle;
  readonly maintenance: MaintenanceModule;
}

/**
 * Joins health, lifecycle and maintenance on one database and one tenant model. Nothing runs before `start()`.
 *
 * @example
 * const ops = createOperations({ database: sqlite('ops.db'), authenticate });
 * await ops.start();
 * app.use(expressRouter(ops));
 */
export function createOperations<Trx = StoreTransaction>(options: OperationsOptions<Trx>): Operations {
  const { database, authenticate, http = {}, clock = systemClock, logger = silentLogger, metrics } = options;
  const migrating = options.migrate ?? true;
  const shared = { clock, logger, migrate: migrating, ...(metrics && { metrics }) };
  // What is due in the stores goes by the database's clock, unless there is one that tests move.
  const judged = clock === systemClock ? {} : { clock };
  const [healthStore, lifecycleStore] = [kyselyHealthStore(database, judged), kyselyLifecycleStore(database, judged)];
  const maintenanceStore = kyselyMaintenanceStore(database, judged);
  const health = createHealth({ ...options.health, ...shared, store: healthStore });
  const lifecycle = createLifecycle({ ...options.lifecycle, ...shared, store: lifecycleStore });
  const { throttle = defaultThrottle(clock) } = options.maintenance ?? {};
  const maintenance = createMaintenance({
    ...options.maintenance,
    ...shared,
    store: maintenanceStore,
    throttle: [...throttle, ...yieldToHealth(health, options.yieldToHealth ?? {})],
  });
  const domains: Module[] = [health, lifecycle, maintenance];

  return {
    name: 'operations',
    health,
    lifecycle,
    maintenance,
    routes: [
      ...routesWithin(health.routes, (scope: OperationsScope) => scope.health),
      ...routesWithin(lifecycle.routes, (scope: OperationsScope) => scope.lifecycle),
      ...routesWithin(maintenance.routes, (scope: OperationsScope) => scope.maintenance),
      ...statusRoutes,
    ],
    http: {
      idempotency: kyselyIdempotencyStore(database),
      ...http,
      ...(authenticate && { authenticate }),
      ...(metrics && { metrics }),
      clock,
      logger,
    },
    open: { health: health.open, lifecycle: lifecycle.open },
    scope(init: ScopeInit) {
      // Made when asked for: a request is about one of them.
      const scope: OperationsScope = {
        get health() {
          return health.scope(init);
        },
        get lifecycle() {
          return lifecycle.scope(init);
        },
        get maintenance() {
          return maintenance.scope(init);
        },
        status: () => statusOf(scope, clock.now()),
      };
      return scope;
    },
    async start() {
      // All of them before any begins: what is refused leaves nothing at work.
      for (const store of [healthStore, lifecycleStore, maintenanceStore])
        await (migrating ? store.migrate() : store.checkMigrated());
      for (const domain of domains) await domain.start();
    },
    async stop() {
      await Promise.all(domains.map((domain) => domain.stop()));
    },
    readiness() {
      const parts = domains.map((domain) => domain.readiness());
      // Health speaks of the store only when it is behind: that goes before what maintenance says of it.
      const said = parts.map((it) => it.parts).reverse();
      return { ready: parts.every(({ ready }) => ready), parts: Object.assign({}, ...said) };
    },
  };
}

async function statusOf(
  { health, lifecycle, maintenance }: Pick<OperationsScope, 'health' | 'lifecycle' | 'maintenance'>,
  now: number,
): Promise<OperationsStatus> {
  const [customerLifecycle, maintenanceAutomation] = await Promise.all([lifecycle.status(), maintenance.status()]);
  return { networkHealth: health.status(), customerLifecycle, maintenanceAutomation, timestamp: now };
}
