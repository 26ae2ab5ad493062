import type { Clock, Logger, StoreTransaction, StreamLimits, Waker } from '@dotmac/core';
import type { Registry } from 'prom-client';
import type { DunningPolicy } from './dunning/policy.js';
import type { LifecycleHooks } from './hooks.js';
import type { Journey } from './journeys/journey.js';
import type { ChecklistItem } from './onboarding/checklist.js';
import type { ServiceTemplate } from './provisioning/template.js';
import type { KeptDays } from './retention.js';
import type { LifecycleStore } from './store/store.js';
import type { TokenKind } from './verification/keyring.js';
import type { VerificationPage } from './verification/page.js';
import type { SendVerification } from './verification/sender.js';
import type { WebhookOptions } from './webhooks/sending.js';

/** What `createLifecycle` takes, and how many may follow the feed and runs at once. */
export interface LifecycleOptions<Trx = StoreTransaction> extends StreamLimits {
  /** `kyselyLifecycleStore(database)` or `memoryLifecycleStore()`. */
  store: LifecycleStore;
  /** The services that customers can be given. Default none. */
  templates?: readonly ServiceTemplate[];
  /** Called around commands, by their names. Default none. */
  hooks?: LifecycleHooks<Trx>;
  /** The limit of a `before` or `inTransaction` hook. Default 5,000 ms. */
  hookTimeoutMs?: number;
  /** What must be done before a customer becomes active. Default nothing. */
  checklist?: readonly ChecklistItem[];
  /** What is done about customers who do not pay; the first is meant when billing names none. Default nothing. */
  dunning?: readonly DunningPolicy[];
  /** What happens to customers that stay where they are. Default nothing. */
  journeys?: readonly Journey[];
  /**
   * Keys of `attributes` that customers are found by, where their values are short texts, numbers or flags. Default none.
   * Customers that were there before a key was added are found by it once that attribute of theirs changes, or after
   * `consistency.check({ repairSearch: true })`.
   */
  searchableAttributes?: readonly string[];
  /** Hands tokens to customers. Without it tokens are made and nobody learns of them. */
  sendVerification?: SendVerification;
  /** Whether emails bring a link, good for 24 hours, or a code of six digits, good for 10 minutes. Default `link`. */
  emailTokens?: TokenKind;
  /** Makes the page that a link leads to. Default a plain one in English. */
  verificationPage?: VerificationPage;
  /**
   * What tokens are hashed and sealed with, and the keys of customers' personal data, at least 32 characters; several:
   * the first is used, the others are still understood: keep them, or what was sealed under them is lost. Default a random one that lasts as long as the process: then a restart voids every token that is out,
   * and several processes do not understand each other's.
   */
  secret?: string | readonly string[];
  /** Lets tenants have events posted to URLs of theirs; needs a `secret`. Default: they cannot. */
  webhooks?: WebhookOptions;
  /** Wakes provisioning runs. Default timers of this process and a sweep of the tables every `sweepMs`. */
  waker?: Waker;
  /** How often lost wake-ups are looked for. Default 30,000 ms. */
  sweepMs?: number;
  /** How long a worker that died keeps its run from others. Default 30,000 ms. */
  leaseMs?: number;
  /** Runs, timers and operations on many that are worked on at once; of the last a quarter at the most. Default 16. */
  concurrency?: number;
  /** Attempts at a delivery (hooks, tokens, subscribers) before it is parked. Default 12, about 18 minutes. */
  maxDeliveryAttempts?: number;
  /** How long a command's answer is kept under its `idempotencyKey`, in seconds. Default 86,400. */
  idempotencyRetentionSeconds?: number;
  /** How long operations on many are kept after their end, and deliveries after they were given up, in days. Default 90 each. */
  keptDays?: Partial<KeptDays>;
  /** Apply migrations in `start()`. Default true. */
  migrate?: boolean;
  /** What time goes by. Default the system's; for tests, a `fakeClock()`. */
  clock?: Clock;
  /** A pino instance fits as it is. Default silence. */
  logger?: Logger;
  /** The host's prom-client registry. Default: nothing is measured. */
  metrics?: Registry;
}
