import type { Generated } from 'kysely';
import type { BucketRow } from '../../history/bucket.js';

/** `dotmac_endpoints`. */
export interface EndpointRow {
  tenant_id: string;
  id: string;
  name: string;
  /** Empty for probes without one. */
  host: string;
  /** 0 for probes without one. */
  port: number;
  service_type: string;
  check_interval: number;
  timeout: number;
  retry_count: number;
  expected_response_time: number;
  /** The other settings, as JSON. */
  settings: string | null;
  /** Sealed secrets by name, as JSON. */
  secrets: string | null;
  paused_at: number | null;
  created_at: number;
  updated_at: number;
}

/** `dotmac_endpoint_tags`: for finding endpoints by tag. */
export interface TagRow {
  tenant_id: string;
  tag: string;
  endpoint_id: string;
}

/** `dotmac_endpoint_states`: what was last found out, apart from what people set. */
export interface StateRow {
  tenant_id: string;
  endpoint_id: string;
  status: string;
  response_time_ms: number | null;
  message: string;
  checked_at: number;
  /** What else is kept of it, what the status machine counts above all, as JSON. */
  machine: string | null;
  /** Grows with every settlement: what other processes have not read yet. */
  revision: number;
}

/** `dotmac_endpoint_changes`: what processes are to read anew that did not change it themselves. */
export interface EndpointChangeRow {
  id: string;
  tenant_id: string;
  endpoint_id: string;
  /** The process that did. */
  origin: string;
  changed_at: number;
}

/** `dotmac_handed_results`: what others found out, for whoever monitors. */
export interface HandedResultRow {
  id: string;
  tenant_id: string;
  endpoint_id: string;
  at: number;
  /** JSON. */
  body: string;
  handed_at: number;
}

/** `dotmac_health_events`: what happened lately, for whoever follows it. */
export interface HealthEventRow {
  seq: Generated<number>;
  event_id: string;
  tenant_id: string;
  /** JSON. */
  event: string;
  logged_at: number;
  /** Its place in the order that all see; null until somebody reads. */
  position: number | null;
}

/** `dotmac_health_event_feeds`: the last position that was given; its row is what is locked to give more. */
export interface HealthEventFeedRow {
  name: string;
  last_position: number;
}

/** `dotmac_result_chunks`: rings of results, several in a row. */
export interface ChunkRow {
  tenant_id: string;
  endpoint_id: string;
  ring: string;
  slot: number;
  body: string;
}

/** `dotmac_check_buckets`. */
export interface BucketsRow extends BucketRow {
  tenant_id: string;
  endpoint_id: string;
  resolution: string;
}

/** `dotmac_incidents`. */
export interface IncidentRow {
  tenant_id: string;
  id: string;
  endpoint_id: string;
  endpoint_name: string;
  severity: string;
  /** Null for those from before there were codes. */
  code: string | null;
  message: string;
  started_at: number;
  opened_at: number;
  acknowledged_at: number | null;
  acknowledged_by: string | null;
  resolved_at: number | null;
}

/** `dotmac_incident_entries`. */
export interface IncidentEntryRow {
  tenant_id: string;
  incident_id: string;
  id: string;
  endpoint_id: string;
  at: number;
  kind: string;
  actor: string;
  code: string | null;
  text: string;
}

/** `dotmac_health_documents`: what tenants set up besides endpoints. */
export interface DocumentRow {
  tenant_id: string;
  kind: string;
  id: string;
  /** JSON. */
  body: string;
}

/** `dotmac_alerts`: for each channel the incidents that it is told of. */
export interface AlertRow {
  tenant_id: string;
  channel_id: string;
  incident_id: string;
  due_at: number | null;
  message_id: string | null;
  /** JSON. */
  body: string;
}

/** `dotmac_alert_messages`: messages on their way. */
export interface MessageRow {
  tenant_id: string;
  id: string;
  channel_id: string;
  /** JSON, once it is put together. */
  payload: string | null;
  created_at: number;
}

/** The health domain's tables. */
export interface HealthTables {
  dotmac_health_documents: DocumentRow;
  dotmac_alerts: AlertRow;
  dotmac_alert_messages: MessageRow;
  dotmac_incidents: IncidentRow;
  dotmac_incident_entries: IncidentEntryRow;
  dotmac_endpoints: EndpointRow;
  dotmac_endpoint_tags: TagRow;
  dotmac_endpoint_states: StateRow;
  dotmac_result_chunks: ChunkRow;
  dotmac_check_buckets: BucketsRow;
  dotmac_endpoint_changes: EndpointChangeRow;
  dotmac_handed_results: HandedResultRow;
  dotmac_health_events: HealthEventRow;
  dotmac_health_event_feeds: HealthEventFeedRow;
}
