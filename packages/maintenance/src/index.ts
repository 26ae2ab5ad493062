/** `@dotmac/maintenance`: cleans databases, logs, caches and disks, on demand and on a schedule. */
export { createMaintenance } from './maintenance.js';
export type { MaintenanceModule } from './maintenance.js';
export type { MaintenanceOptions } from './options.js';
export type { MaintenanceScope } from './scope.js';
export { kyselyMaintenanceStore } from './store/kysely/index.js';
export type { KyselyMaintenanceStoreOptions } from './store/kysely/index.js';
export { memoryMaintenanceStore } from './store/memory/index.js';
export type {
  MaintenanceStore,
  RunListing,
  TenantPlans,
  TenantRuns,
  TenantSchedules,
  TenantSlots,
} from './store/store.js';
export type { Cursors, LogLine, Run, RunOutcome, RunProgress, RunPulse, RunStatus, StopReason } from './runs/run.js';
export { maintenanceResult, maintenanceState, maintenanceStatus } from './runs/schemas.js';
export type {
  MaintenanceResult,
  MaintenanceRun,
  MaintenanceState,
  MaintenanceStatus,
  RunEvent,
} from './runs/schemas.js';
export type { RunFailure, RunFailureHook } from './runs/failure-hooks.js';
export type { RunService } from './runs/service.js';
export { defineMaintenanceTask } from './tasks/task.js';
export type {
  AnyMaintenanceTask,
  Batch,
  Held,
  MaintenanceTask,
  PlanContext,
  ScheduledTask,
  TargetProgress,
  TaskContext,
  TaskReport,
  TaskScope,
} from './tasks/task.js';
export type { Space } from './tasks/space.js';
export { fingerprintOf, planned } from './tasks/plan.js';
export type { PlannedTarget, TaskPlan } from './tasks/plan.js';
export type { TaskCatalogue } from './tasks/catalogue.js';
export type { PolicyCatalogue } from './tasks/policy-catalogue.js';
export type { KeptPlan } from './plans/kept-plan.js';
export { maintenancePlan } from './plans/schemas.js';
export type { MaintenancePlan } from './plans/schemas.js';
export type { PlanService } from './plans/service.js';
export { defaultThrottle, eventLoopDelay } from './throttle/event-loop-delay.js';
export { poolWait } from './throttle/pool-wait.js';
export type { PressureSignal } from './throttle/signal.js';
export { maintenanceRoutes } from './routes.js';
export { maintenanceErrors } from './errors.js';
export { maintenanceEvents } from './events.js';
export type { MaintenanceEvents } from './events.js';
export type {
  CachePolicy,
  MaintenancePolicies,
  MemoryCachePolicy,
  RedisCachePolicy,
  RetentionPolicy,
  UpdatePolicy,
  UpkeepPolicy,
} from './policies/policy.js';
export type { TimeUnit } from './policies/time-unit.js';
export { digestHtml, digestText } from './reports/digest-text.js';
export { digestByEmail, digestByWebhook } from './reports/digest-channel.js';
export type { DigestChannel, DigestDelivery, DigestMailTransport, DigestMessage } from './reports/digest-channel.js';
export type { Digest, TaskTrend } from './reports/schemas.js';
export type { ReportService } from './reports/service.js';
export type { RunTally } from './reports/tally.js';
export type { BackupPolicy } from './backups/policy.js';
export type { KeepCount, KeepRules } from './backups/keep.js';
export type { BackupName, BackupService } from './backups/service.js';
export type { BackupView } from './backups/schemas.js';
export { dotmacRetention, type DotmacRetentionOptions } from './policies/own-tables.js';
export { retentionPolicy } from './policies/retention-policy.js';
export type { KeepNewest, RowMatch, RowPredicate, RowsAlong, TableName } from './databases/rows/selection.js';
export { activeSessions, lockWaits, replicaLag } from './databases/pressure.js';
export type { MemoryCache } from './caches/memory.js';
export type { RedisClient } from './caches/redis/client.js';
export type { Finding, FindingKind } from './databases/finding.js';
export type { DirectoryPolicy } from './policies/directory-policy.js';
export type { LogCompression, LogHooks, LogPolicy, SignalReopen } from './policies/log-policy.js';
export type { PolicySet } from './policies/policy-set.js';
export type { KeptSchedule, Schedule, ScheduleDefinition, ScheduleRecord } from './schedule/schedule.js';
export type { ScheduleService } from './schedule/service.js';
export type { SlotChange, SlotKey, SlotOutcome, SlotRecord } from './schedule/slot.js';
export { maintenanceSchedule, slotExplanation } from './schedule/schemas.js';
export type { MaintenanceSchedule, SlotExplanation } from './schedule/schemas.js';
export { simulateSchedule } from './schedule/simulate.js';
export type { SimulatedFiring, Simulation } from './schedule/simulate.js';
export type { Firing } from './schedule/timetable.js';
export type { ScheduleRules, ScheduleRulesDraft } from './schedule/rules.js';
