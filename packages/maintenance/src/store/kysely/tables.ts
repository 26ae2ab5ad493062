/** A row of `dotmac_maintenance_runs`. Columns that came later are null in rows of before. */
export interface RunRow {
  tenant_id: string;
  id: string;
  task: string;
  scope_id: string | null;
  trigger_kind: string;
  schedule: string | null;
  actor: string;
  /** JSON text here and below: nothing looks inside. */
  parameters: string | null;
  dry_run: number | null;
  plan_id: string | null;
  as_of: number | null;
  confirmed: number | null;
  resumes: string | null;
  resumed_by: string | null;
  status: string;
  stop_reason: string | null;
  cancel_requested_at: number | null;
  started_at: number;
  ended_at: number | null;
  items_processed: number;
  items_cleaned: number;
  bytes_freed: number;
  bytes_reusable: number | null;
  bytes_estimated: number | null;
  error_code: string | null;
  error_message: string | null;
  progress: string | null;
  cursors: string | null;
  log: string | null;
  details: string;
}

/** A row of `dotmac_maintenance_plans`. */
export interface PlanRow {
  tenant_id: string;
  id: string;
  task: string;
  /** Null in rows of before. */
  scope_id: string | null;
  actor: string;
  parameters: string;
  plan: string;
  as_of: number;
  created_at: number;
  expires_at: number;
  applied_by: string | null;
}

/** A row of `dotmac_maintenance_schedules`. */
export interface ScheduleRow {
  tenant_id: string;
  name: string;
  /** JSON text; null for those in code. */
  definition: string | null;
  version: number;
  paused_at: number | null;
  effective_at: number;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
  revision: number;
}

/** A row of `dotmac_maintenance_ledger`. */
export interface SlotRow {
  tenant_id: string;
  schedule: string;
  scope_id: string;
  slot_at: number;
  outcome: string;
  instance: string;
  run_id: string | null;
  attempts: number;
  claimed_at: number;
  ended_at: number | null;
  message: string | null;
  /** Null in lines that an older version wrote after the table was migrated. */
  next_at: number | null;
}

/** The tables of maintenance. */
export interface MaintenanceTables {
  dotmac_maintenance_runs: RunRow;
  dotmac_maintenance_plans: PlanRow;
  dotmac_maintenance_schedules: ScheduleRow;
  dotmac_maintenance_revision: { name: string; value: number };
  dotmac_maintenance_ledger: SlotRow;
  /** Core's. */
  dotmac_leases: { name: string; owner: string | null; fence: number; until_at: number };
}
