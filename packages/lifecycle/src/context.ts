import type { EventEmitter } from 'node:events';
import type { Clock, Emitter, Logger, OutboxRelay, Waker } from '@dotmac/core';
import type { Standstill } from './bulk/standstill.js';
import type { Turns } from './bulk/turns.js';
import type { DeliverySchemas, LifecycleEvents } from './events.js';
import type { DunningPolicy } from './dunning/policy.js';
import type { LookingStreams } from './feed/streams.js';
import type { LifecycleHooks } from './hooks.js';
import type { Journey } from './journeys/journey.js';
import type { LifecycleMetrics } from './metrics.js';
import type { ChecklistItem } from './onboarding/checklist.js';
import type { Vault } from './privacy/vault.js';
import type { TemplateCatalogue } from './provisioning/catalogue.js';
import type { KeptDays } from './retention.js';
import type { LifecycleStore } from './store/store.js';
import type { WebhookSending } from './webhooks/sending.js';
import type { Keyring, TokenKind } from './verification/keyring.js';
import type { VerificationPage } from './verification/page.js';

/** What the services of the domain are made of. */
export interface LifecycleContext {
  readonly store: LifecycleStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hooks: LifecycleHooks;
  readonly hookTimeoutMs: number;
  /** How long a worker that died keeps its run from others. */
  readonly leaseMs: number;
  readonly checklist: readonly ChecklistItem[];
  readonly templates: TemplateCatalogue;
  /** The first is the one that is meant when none is named. */
  readonly dunning: readonly DunningPolicy[];
  readonly journeys: readonly Journey[];
  /** The attributes that customers are found by. */
  readonly searchableAttributes: readonly string[];
  readonly keyring: Keyring;
  /** Undefined when the host gave no secret that lasts: then nothing in the history is sealed. */
  readonly vault: Vault | undefined;
  /** Undefined when the host has not switched webhooks on. */
  readonly webhooks: WebhookSending | undefined;
  readonly streams: LookingStreams;
  /** What customers are mailed: a link, or a code. */
  readonly emailTokens: TokenKind;
  readonly verificationPage: VerificationPage;
  /** False when the host gave no `sendVerification`: then nothing is put into the outbox for it. */
  readonly sendsVerification: boolean;
  readonly relay: OutboxRelay<DeliverySchemas>;
  readonly emitter: Emitter<LifecycleEvents>;
  readonly waker: Waker;
  /**
   * Tells those who work on a run in this process, by its key, that it is cancelled: also several, where a waker wakes it
   * twice. Cancellations by others are read with renewals.
   */
  readonly cancellations: EventEmitter;
  /** The operations on many that this process works on. */
  readonly turns: Turns;
  /** Before whom operations on many stand still in this process, by operation. */
  readonly standstills: Map<string, Standstill>;
  /** How long commands' answers are kept under their keys. */
  readonly idempotencyRetentionMs: number;
  readonly keptDays: KeptDays;
  readonly metrics: LifecycleMetrics;
}
