import type { AnyEvent } from '@dotmac/core';
import { fromJson } from '@dotmac/core/kysely';
import { enteredBy } from '../../customers/entered-stage.js';
import type { LifecycleEvents } from '../../events.js';
import type { HistoryEntry } from '../store.js';
import type { EventRow } from './tables.js';

/** A place in the history as a row. */
export function entryRow(tenantId: string, customerId: string, { seq, event, sealed }: HistoryEntry): EventRow {
  return {
    tenant_id: tenantId,
    customer_id: customerId,
    seq,
    id: event.id,
    name: event.name,
    entered_stage: enteredBy(event),
    actor: event.actor,
    at: event.at,
    data: JSON.stringify(event.data),
    sealed: sealed ?? null,
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
