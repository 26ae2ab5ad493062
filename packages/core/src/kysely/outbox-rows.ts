import type { Selectable } from 'kysely';
import type { DomainEvent } from '../events/define-events.js';
import type { ClaimedEntry, ParkedEntry } from '../events/outbox.js';
import type { CoreTables } from './core-tables.js';
import { fromJson } from './values.js';

type OutboxRow = Selectable<CoreTables['dotmac_outbox']>;

/** An entry that was given up, of its row. */
export function toParked(row: OutboxRow): ParkedEntry {
  return {
    subscriber: row.subscriber,
    event: fromJson<DomainEvent>(row.event),
    deliveryId: row.delivery_id,
    attempts: Number(row.attempts),
    parkedAt: Number(row.parked_at),
    reason: row.park_reason ?? '',
  };
}

/** An entry that is claimed under a token, of its row as it was before. */
export function toClaimed(
  row: Pick<OutboxRow, 'seq' | 'delivery_id' | 'subscriber' | 'event' | 'attempts'>,
  token: string,
): ClaimedEntry {
  return {
    subscriber: row.subscriber,
    event: fromJson<DomainEvent>(row.event),
    deliveryId: row.delivery_id,
    attempt: Number(row.attempts) + 1,
    claim: `${row.seq}.${token}`,
  };
}

/** Which entry a claim is of, and under which token. */
export function splitClaim(claim: string): { seq: number; token: string } {
  const dot = claim.indexOf('.');
  return { seq: Number(claim.slice(0, dot)), token: claim.slice(dot + 1) };
}
