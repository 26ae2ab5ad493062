import { fromFlag, fromJson, numberOrNull, toFlag, toJson } from '@dotmac/core/kysely';
import type { AnyEvent } from '@dotmac/core';
import type { Approval, Block, Customer } from '../../customers/customer.js';
import type { Stage } from '../../customers/stage.js';
import type { LifecycleEvents } from '../../events.js';
import type { Run, RunStatus } from '../../provisioning/run.js';
import type { OperationName } from '../../services/operation.js';
import type { Channel } from '../../verification/channel.js';
import { nameKey } from '../name-key.js';
import type { AnswerRow } from './answer-row.js';
import type { BulkRow } from './bulk-row.js';
import type { DunningCaseRow, LegalHoldRow, ServiceRow, SignalRow, TimerRow } from './service-tables.js';
import type { HistoryEntry, StoredToken } from '../store.js';
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
  dotmac_lifecycle_webhooks: WebhookRow;
  dotmac_webhook_deliveries: DeliveryRow;
  dotmac_command_answers: AnswerRow;
  dotmac_bulk_operations: BulkRow;
  dotmac_bulk_failures: { tenant_id: string; operation_id: string; customer_id: string; code: string; message: string };
  dotmac_bulk_targets: { tenant_id: string; operation_id: string; customer_id: string };
}

/** A customer as a row. */
export function customerRow(customer: Customer): CustomerRow {
  return {
    tenant_id: customer.tenantId,
    id: customer.id,
    version: customer.version,
    stage: customer.stage,
    churning_from: customer.churningFrom,
    approval: customer.approval,
    external_id: customer.externalId,
    username: customer.username,
    username_key: nameKey(customer.username),
    email: customer.email,
    email_key: nameKey(customer.email),
    first_name: customer.firstName,
    last_name: customer.lastName,
    user_type: customer.userType,
    phone: customer.phone,
    registration_source: customer.registrationSource,
    referral_code: customer.referralCode,
    terms_accepted_at: customer.termsAcceptedAt,
    marketing_consent: toFlag(customer.marketingConsent),
    attributes: toJson(customer.attributes),
    onboarding_data: toJson(customer.onboardingData),
    blocks: toJson(customer.blocks),
    email_verified_at: customer.emailVerifiedAt,
    phone_verified_at: customer.phoneVerifiedAt,
    erased_at: customer.erasedAt,
    created_at: customer.createdAt,
    updated_at: customer.updatedAt,
  };
}

/** What is read of a customer: all but what only finds it. */
export type KeptCustomerRow = Omit<CustomerRow, 'username_key' | 'email_key'>;

/** What every kept reason has. */
type OldBlock = Omit<Block, 'severity' | 'promisedUntil'>;

/** A row as a customer. Drivers disagree on how they give large integers: every number goes through Number. */
export function customerOf(row: KeptCustomerRow): Customer {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    version: Number(row.version),
    stage: row.stage as Stage,
    churningFrom: row.churning_from as Stage | null,
    approval: row.approval as Approval,
    externalId: row.external_id,
    username: row.username,
    email: row.email,
    firstName: row.first_name,
    lastName: row.last_name,
    userType: row.user_type,
    phone: row.phone,
    registrationSource: row.registration_source,
    referralCode: row.referral_code,
    termsAcceptedAt: Number(row.terms_accepted_at),
    marketingConsent: fromFlag(row.marketing_consent),
    attributes: fromJson<Record<string, unknown>>(row.attributes),
    onboardingData: fromJson<Record<string, unknown>>(row.onboarding_data),
    // Reasons that were opened before there was a choice have neither.
    blocks: fromJson<(Partial<Block> & OldBlock)[]>(row.blocks).map((block) => {
      return { severity: 'suspend', promisedUntil: null, ...block };
    }),
    emailVerifiedAt: numberOrNull(row.email_verified_at),
    phoneVerifiedAt: numberOrNull(row.phone_verified_at),
    erasedAt: numberOrNull(row.erased_at),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

/** A row as a place in the history. */
export function entryOf(row: EventRow): HistoryEntry {
  const { id, name, actor, tenant_id: tenantId, customer_id: subject } = row;
  // Written by this package alone, from typed events.
  const event = { id, name, at: Number(row.at), tenantId, actor, subject, data: fromJson(row.data) };
  const entry = { seq: Number(row.seq), event: event as AnyEvent<LifecycleEvents> };
  return row.sealed === null ? entry : { ...entry, sealed: row.sealed };
}

/** A token as a row. */
export function tokenRow(tenantId: string, token: StoredToken): TokenRow {
  return {
    tenant_id: tenantId,
    customer_id: token.customerId,
    channel: token.channel,
    id: token.id,
    key_id: token.keyId,
    hash: token.hash,
    attempts: token.attempts,
    issued_at: token.issuedAt,
    expires_at: token.expiresAt,
    consumed_at: token.consumedAt,
    issued: token.issued,
    window_started_at: token.windowStartedAt,
  };
}

/** A row as a token. */
export function tokenOf(row: TokenRow): StoredToken {
  return {
    customerId: row.customer_id,
    channel: row.channel as Channel,
    id: row.id,
    keyId: row.key_id,
    hash: row.hash,
    attempts: Number(row.attempts),
    issuedAt: Number(row.issued_at),
    expiresAt: Number(row.expires_at),
    consumedAt: numberOrNull(row.consumed_at),
    issued: Number(row.issued),
    windowStartedAt: Number(row.window_started_at),
  };
}

/** A row as a run. */
export function runOf(row: RunRow): Run {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    customerId: row.customer_id,
    serviceId: row.service_id,
    operation: row.operation as OperationName,
    serviceName: row.service_name,
    templateVersion: row.template_version,
    templateHash: row.template_hash,
    config: fromJson<Record<string, unknown>>(row.config),
    previous: row.previous === null ? null : fromJson<Run['previous']>(row.previous),
    given: fromJson<Record<string, unknown>>(row.given),
    status: row.status as RunStatus,
    direction: row.direction as Run['direction'],
    steps: fromJson<Run['steps']>(row.steps),
    nextAt: numberOrNull(row.next_at),
    cancelRequestedAt: numberOrNull(row.cancel_requested_at),
    requestedBy: row.requested_by,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    provisionedAt: numberOrNull(row.provisioned_at),
  };
}
