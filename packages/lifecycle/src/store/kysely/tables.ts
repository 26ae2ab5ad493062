import type { AnswerRow } from './answer-row.js';
import type { BulkRow } from './bulk-row.js';
import type { DunningCaseRow, LegalHoldRow, ServiceRow, SignalRow, TimerRow } from './service-tables.js';
import type { FeedRow, TermRow } from './search-tables.js';
import type { DeliveryRow, WebhookRow } from './webhook-rows.js';

/** `dotmac_customers`. */
export interface CustomerRow {
  tenant_id: string;
  id: string;
  version: number;
  stage: string;
  churning_from: string | null;
  approval: string;
  external_id: string | null;
  username: string;
  username_key: string;
  email: string;
  email_key: string;
  first_name: string;
  last_name: string;
  user_type: string;
  phone: string | null;
  registration_source: string;
  referral_code: string | null;
  terms_accepted_at: number;
  marketing_consent: number;
  attributes: unknown;
  onboarding_data: unknown;
  blocks: unknown;
  email_verified_at: number | null;
  phone_verified_at: number | null;
  erased_at: number | null;
  created_at: number;
  updated_at: number;
}

/** `dotmac_customer_events`: only ever added to. */
export interface EventRow {
  tenant_id: string;
  customer_id: string;
  seq: number;
  id: string;
  name: string;
  /** The stage that the event led into, if it led into one. */
  entered_stage: string | null;
  actor: string;
  at: number;
  data: unknown;
  /** What is personal in the data, sealed with the customer's key. */
  sealed: string | null;
  /** Its place among all of the tenant; null until somebody reads them. */
  position?: number | null;
}

/** `dotmac_verification_tokens`: one a customer and channel. */
export interface TokenRow {
  tenant_id: string;
  customer_id: string;
  channel: string;
  id: string;
  key_id: string;
  hash: string;
  attempts: number;
  attempt_mark: string | null;
  issued_at: number;
  expires_at: number;
  consumed_at: number | null;
  issued: number;
  window_started_at: number;
}

/** `dotmac_verification_quotas`: how many tokens an address was sent. */
export interface QuotaRow {
  tenant_id: string;
  address_key: string;
  issued: number;
  window_started_at: number;
}

/** `dotmac_service_runs`: a run with its steps in one row, so that a checkpoint is one statement. */
export interface RunRow {
  tenant_id: string;
  id: string;
  customer_id: string;
  service_id: string;
  operation: string;
  service_name: string;
  template_version: string;
  template_hash: string;
  config: unknown;
  previous: unknown;
  given: unknown;
  status: string;
  direction: string;
  steps: unknown;
  next_at: number | null;
  cancel_requested_at: number | null;
  requested_by: string;
  created_at: number;
  updated_at: number;
  provisioned_at: number | null;
  lease_owner: string | null;
  lease_until: number | null;
  fence: number;
}

/** The lifecycle domain's tables. */
export interface LifecycleTables {
  dotmac_customers: CustomerRow;
  dotmac_customer_terms: TermRow;
  dotmac_customer_feeds: FeedRow;
  dotmac_customer_events: EventRow;
  dotmac_verification_tokens: TokenRow;
  dotmac_verification_quotas: QuotaRow;
  dotmac_service_runs: RunRow;
  dotmac_services: ServiceRow;
  dotmac_step_signals: SignalRow;
  dotmac_lifecycle_timers: TimerRow;
  dotmac_dunning_cases: DunningCaseRow;
  dotmac_customer_keys: { tenant_id: string; customer_id: string; sealed_key: string };
  dotmac_legal_holds: LegalHoldRow;
  /** A row for each limit, to be locked. */
  dotmac_lifecycle_limits: { tenant_id: string; name: string };
  dotmac_lifecycle_webhooks: WebhookRow;
  /** Those that are gone, and whose log is not yet. */
  dotmac_removed_webhooks: { tenant_id: string; id: string };
  dotmac_webhook_deliveries: DeliveryRow;
  dotmac_command_answers: AnswerRow;
  dotmac_bulk_operations: BulkRow;
  dotmac_bulk_failures: { tenant_id: string; operation_id: string; customer_id: string; code: string; message: string };
  dotmac_bulk_targets: { tenant_id: string; operation_id: string; customer_id: string };
}
