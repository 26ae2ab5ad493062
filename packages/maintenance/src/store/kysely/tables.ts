import type { RunStatus } from '../../runs/run.js';

/** The tables of maintenance, as Kysely sees them. */
export interface MaintenanceTables {
  dotmac_maintenance_runs: {
    tenant_id: string;
    id: string;
    task: string;
    status: RunStatus;
    /** What set it off; `trigger` is a reserved word in places. */
    triggered_by: 'request' | 'schedule';
    schedule: string | null;
    slot_at: number | null;
    actor: string;
    started_at: number;
    ended_at: number | null;
    items_processed: number;
    items_cleaned: number;
    space_freed_bytes: number;
    error_message: string | null;
    details: string;
    worker: string;
    fence: number;
  };
  dotmac_maintenance_slots: { tenant_id: string; schedule: string; slot_at: number };
}
