import type { DomainEvent } from '../events/define-events.js';
import type { ClaimedEntry, Outbox } from '../events/outbox.js';
import { newId } from '../ids.js';
import type { StoreTransaction } from '../store-transaction.js';
import type { FakeClock } from './fake-clock.js';

/** What `outboxSuite` works on. */
export interface OutboxSubject {
  /** Two outboxes over the same storage, as two processes would have; the same one twice where there is but one. */
  outboxes: readonly [Outbox, Outbox];
  /** The clock that both judge by. */
  clock: FakeClock;
  /** Runs `work` in a transaction of the storage. */
  transaction(work: (trx: StoreTransaction) => Promise<void>): Promise<void>;
}

/** That something happened to a subject. */
export function eventOf(subject: string, number = 0, tenantId = 'acme'): DomainEvent {
  return {
    id: newId(),
    name: 'thing.changed',
    at: 1,
    tenantId,
    actor: 'system',
    subject,
    data: { number, text: 'ß 漢 \u0000' },
  };
}
/** Events as they are appended. */
export const entriesOf = (events: readonly DomainEvent[], subscriber = 'mail') =>
  events.map((event) => ({ subscriber, event }));
/** The numbers of what was claimed. */
export const numbersOf = (claimed: readonly ClaimedEntry[]) =>
  claimed.map(({ event }) => (event.data as { number: number }).number);
/** For all that there is. */
export const ask = { subscribers: ['mail'], limit: 100, leaseMs: 1_000 };
