import { coreErrors, createPruning, type Clock, type Logger, type Outbox, type Pruning } from '@dotmac/core';
import type { LifecycleStore } from './store/store.js';
import type { WebhookSending } from './webhooks/sending.js';
import { quotaWindowMs } from './verification/quota.js';

/** How long what is over is kept, in days. */
export interface KeptDays {
  /** Operations on many, with who was refused, after their end. `Infinity`: for ever. */
  bulk: number;
  /** Deliveries, after they were given up. */
  parked: number;
}

/**
 * As the host sets them. Default: 90 each.
 * @throws INVALID_ARGUMENT for less than a day
 */
export function keptDaysOf(given: Partial<KeptDays> = {}): KeptDays {
  const days = { bulk: 90, parked: 90, ...given };
  if (!Object.values(days).every((it) => it >= 1))
    throw coreErrors.INVALID_ARGUMENT({ argument: 'keptDays', reason: 'everything is kept for at least a day' });
  return days;
}

const dayMs = 86_400_000;
/** An operation that is collecting, and that nobody lists customers for, counts among those that are not over for so long. */
const collectingDays = 7;
const batchSize = 500;
const mostAnswerSeconds = 366 * 86_400;

/** What has been over for so long is gone, or going: nobody is to begin anything with it. Epoch ms; 0: it is kept for ever. */
export function goneBefore(clock: Pick<Clock, 'now'>, days: number): number {
  return Math.max(0, Math.floor(clock.now() - days * dayMs));
}

/**
 * How long answers are kept, in ms. Default a day.
 * @throws INVALID_ARGUMENT for no time, and for ever: each would be kept with every command's key
 */
export function answersKeptMs(seconds = 86_400): number {
  if (!(seconds > 0 && seconds <= mostAnswerSeconds))
    throw coreErrors.INVALID_ARGUMENT({
      argument: 'idempotencyRetentionSeconds',
      reason: `answers are kept for more than 0 and at most ${mostAnswerSeconds} seconds, a year`,
    });
  return Math.ceil(seconds * 1_000);
}

/** Deletes what is past its retention, and ends what was left lying, in small batches, every ten minutes. */
export function createRetention(options: {
  store: LifecycleStore;
  clock: Clock;
  logger: Logger;
  keptDays: KeptDays;
  /** Undefined: switched off, and so is what removes their log. */
  webhooks: Pick<WebhookSending, 'keepMs'> | undefined;
}): Pruning {
  const { store, clock, logger, keptDays, webhooks } = options;
  const before = (days: number): number => goneBefore(clock, days);
  const parkedIn = (outbox: Outbox) => async () =>
    (await outbox.pruneParked({ before: before(keptDays.parked), limit: batchSize })).length;
  const cancelAbandoned = () => store.cancelAbandonedBulk(before(collectingDays), clock.now(), batchSize);
  const pruneLog = (keepMs: number) => store.pruneDeliveries(Math.max(0, clock.now() - keepMs), batchSize);
  const jobs = [
    { size: batchSize, prune: cancelAbandoned },
    { size: batchSize, prune: () => store.pruneBulk(before(keptDays.bulk), batchSize) },
    { size: batchSize, prune: parkedIn(store.outbox) },
    { size: batchSize, prune: parkedIn(store.webhookOutbox) },
    { size: batchSize, prune: () => store.pruneRemovedWebhooks(batchSize) },
    { size: batchSize, prune: () => store.pruneIssues(clock.now() - quotaWindowMs, batchSize) },
    { size: batchSize, prune: () => store.pruneAnswers(clock.now(), batchSize) },
    ...(webhooks ? [{ size: batchSize, prune: () => pruneLog(webhooks.keepMs) }] : []),
  ];
  return createPruning({ clock, logger, what: 'old operations, deliveries, answers and counts', jobs });
}
