/** `dotmac_bulk_operations`. */
export interface BulkRow {
  tenant_id: string;
  id: string;
  command: string;
  input: string;
  filter: string;
  dry_run: number;
  status: string;
  total: number | null;
  processed: number;
  changed: number;
  refused: number;
  outcomes: string;
  last_customer_id: string;
  up_to: string;
  created_by: string;
  created_at: number;
  started_at: number | null;
  touched_at: number;
  ended_at: number | null;
  cancel_requested_at: number | null;
  erased_filter: string | null;
  erased_input: string | null;
  erased_by: string | null;
}
