import type { Clock } from '../clock.js';
import { describeError } from '../errors/describe-error.js';
import { coreErrors } from '../errors/core-errors.js';
import { isOperationError } from '../errors/operation-error.js';
import type { Logger } from '../logger.js';
import type { DomainEvent, EventSchemas, EventTable } from './define-events.js';
import type { ClaimedEntry, Outbox } from './outbox.js';
import type { Subscriber } from './subscriber.js';

/** How patient a relay is with its subscribers. */
export interface DeliveryLimits {
  /** One delivery. Default 30,000 ms. */
  deliveryTimeoutMs: number;
  /** Attempts before an entry is parked. Default 12: with the other defaults, about 18 minutes. */
  maxAttempts: number;
  /** Wait after the first failure; doubles with each further one. Default 1,000 ms. */
  firstBackoffMs: number;
  /** Longest wait between two attempts. Default 300,000 ms. */
  longestBackoffMs: number;
}

/** The wait after the given attempt failed, in ms. */
function backoffAfter(attempt: number, { firstBackoffMs, longestBackoffMs }: DeliveryLimits): number {
  return Math.min(longestBackoffMs, firstBackoffMs * 2 ** (attempt - 1));
}

/** How long an entry may wait, by the attempts that were made. */
export function waitsOf(limits: DeliveryLimits): number[] {
  return [0, ...Array.from({ length: limits.maxAttempts }, (_, failed) => backoffAfter(failed + 1, limits))];
}

interface Delivery<Schemas extends EventSchemas> {
  entry: ClaimedEntry;
  subscriber: Subscriber<Schemas>;
  events: EventTable<Schemas>;
  outbox: Pick<Outbox, 'park' | 'retryLater'>;
  clock: Clock;
  logger: Logger;
  limits: DeliveryLimits;
  signal: AbortSignal;
}

/** Delivers one claimed entry; true when it is done with, otherwise it was put back or parked. */
export async function deliverOne<Schemas extends EventSchemas>(delivery: Delivery<Schemas>): Promise<boolean> {
  const { entry, subscriber, events, outbox, clock, logger, limits, signal } = delivery;
  const { claim, attempt, deliveryId } = entry;
  // An old row is somebody else's word: it is parsed like any input.
  const event = events.parse(entry.event) as DomainEvent<Schemas> | undefined;
  if (!event) {
    if (attempt >= limits.maxAttempts) {
      await subscriber.gaveUpUnread?.(entry.event);
      return park(delivery, 'EVENT_NOT_UNDERSTOOD');
    }
    // A newer process may have written it, and will come for it.
    await outbox.retryLater(claim, backoffAfter(attempt, limits));
    return false;
  }
  const giveUp = async (reason: string): Promise<false> => {
    await subscriber.gaveUp?.(event);
    return park(delivery, reason);
  };
  // Claimed more often than it may be: its earlier deliveries took the process with them.
  if (attempt > limits.maxAttempts) return giveUp('DELIVERY_NEVER_SETTLED');
  try {
    await withDeadline(clock, limits.deliveryTimeoutMs, signal, async (deadline) =>
      subscriber.deliver(event, { deliveryId, attempt, signal: deadline }),
    );
    return true;
  } catch (error) {
    const described = describeError(error);
    const most = Math.min(limits.maxAttempts, subscriber.mostAttempts?.(error) ?? Infinity);
    if (attempt >= most) return giveUp(isOperationError(error) ? error.code : 'DELIVERY_FAILED');
    logger.warn(
      { subscriber: subscriber.name, event: event.name, deliveryId, attempt, ...described },
      'a delivery failed and will be tried again',
    );
    const { attemptsInOrder = Infinity } = subscriber;
    await outbox.retryLater(claim, backoffAfter(attempt, limits), attempt >= attemptsInOrder);
    return false;
  }
}

async function park<Schemas extends EventSchemas>(delivery: Delivery<Schemas>, reason: string): Promise<false> {
  const { entry, outbox, logger } = delivery;
  const { subscriber, deliveryId, attempt } = entry;
  logger.error({ subscriber, event: entry.event.name, deliveryId, attempt, reason }, 'a delivery was parked');
  await outbox.park(entry.claim, reason);
  return false;
}

/**
 * Runs `work` with a signal that aborts at the deadline or with `outer`; rejects then, whether or not `work` listens.
 */
async function withDeadline(
  clock: Clock,
  limitMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(coreErrors.DELIVERY_TIMED_OUT({}));
  const cancel = clock.after(limitMs, abort);
  outer.addEventListener('abort', abort, { once: true });
  try {
    const aborted = new Promise<never>((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error), { once: true });
    });
    await Promise.race([work(controller.signal), aborted]);
  } finally {
    cancel();
    outer.removeEventListener('abort', abort);
  }
}
