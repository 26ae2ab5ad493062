/** A row of `dotmac_maintenance_runs`. */
export interface RunRow {
  tenant_id: string;
  id: string;
  task: string;
  trigger_kind: string;
  schedule: string | null;
  actor: string;
  status: string;
  started_at: number;
  ended_at: number | null;
  items_processed: number;
  items_cleaned: number;
  bytes_freed: number;
  error_code: string | null;
  error_message: string | null;
  /** JSON text: nothing looks inside. */
  details: string;
}

/** The tables of maintenance. */
export interface MaintenanceTables {
  dotmac_maintenance_runs: RunRow;
  dotmac_maintenance_slots: { tenant_id: string; schedule: string; slot_at: number };
}
