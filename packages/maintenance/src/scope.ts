import type { BackupService } from './backups/service.js';
import type { PlanService } from './plans/service.js';
import type { ReportService } from './reports/service.js';
import type { MaintenanceState, MaintenanceStatus } from './runs/schemas.js';
import type { RunService } from './runs/service.js';
import type { ScheduleService } from './schedule/service.js';
import type { TaskCatalogue } from './tasks/catalogue.js';
import type { PolicyCatalogue } from './tasks/policy-catalogue.js';

/** Maintenance on behalf of one tenant. */
export interface MaintenanceScope {
  readonly runs: RunService;
  readonly plans: PlanService;
  readonly backups: BackupService;
  readonly schedules: ScheduleService;
  readonly reports: ReportService;
  /** What can be done, and on what. */
  readonly catalogue: { tasks(): TaskCatalogue; policies(): Promise<PolicyCatalogue> };
  /** The scheduler of this process, which fires the schedules of all tenants. */
  readonly scheduler: { start(): { message: string }; stop(): { message: string } };
  /** Scheduler, active and recent runs, tasks with their schedules. */
  state(): Promise<MaintenanceState>;
  /** In short. */
  status(): Promise<MaintenanceStatus>;
}
