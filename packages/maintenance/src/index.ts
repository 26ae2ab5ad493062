/** `@dotmac/maintenance`: cleans databases, logs, caches and disks, on demand and on a schedule. */
export { createMaintenance } from './maintenance.js';
export type { MaintenanceModule, MaintenanceOptions, MaintenanceScope } from './maintenance.js';
export { kyselyMaintenanceStore } from './store/kysely/kysely-store.js';
export type { KyselyMaintenanceStoreOptions } from './store/kysely/kysely-store.js';
export { memoryMaintenanceStore } from './store/memory/memory-store.js';
export type { MaintenanceStore, RunListing, TenantRuns } from './store/store.js';
export type { Run, RunOutcome, RunStatus } from './runs/run.js';
export { maintenanceResult, maintenanceState, maintenanceStatus } from './runs/schemas.js';
export type { MaintenanceResult, MaintenanceState, MaintenanceStatus } from './runs/schemas.js';
export type { RunService } from './runs/service.js';
export { defineMaintenanceTask } from './tasks/task.js';
export type { AnyMaintenanceTask, MaintenanceTask, TaskContext, TaskReport } from './tasks/task.js';
export { runRoutes as maintenanceRoutes } from './runs/routes.js';
export { maintenanceErrors } from './errors.js';
export { maintenanceEvents } from './events.js';
export type { MaintenanceEvents } from './events.js';
export type {
  CachePolicy,
  DirectoryPolicy,
  LogPolicy,
  MaintenancePolicies,
  RedisCachePolicy,
  RedisClient,
  RetentionPolicy,
  TimeUnit,
} from './policies/policy.js';
export type { PolicySet } from './policies/policy-set.js';
export type { Schedule } from './schedule/schedule.js';
