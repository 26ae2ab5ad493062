import { executorFor, type Database } from '@dotmac/core/kysely';
import { enteredBy } from '../../customers/entered-stage.js';
import type { HistoryEntry, HistoryStore } from '../store.js';
import { entryOf, type EventRow, type LifecycleTables } from './tables.js';

const table = 'dotmac_customer_events';

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

/** History in the database. */
export function kyselyHistory(database: Database, tenantId: string): HistoryStore {
  return {
    async append(customerId, entries, trx) {
      const rows = entries.map((entry) => entryRow(tenantId, customerId, entry));
      await executorFor<LifecycleTables>(database, trx).insertInto(table).values(rows).execute();
    },
    // Index: the primary key.
    async list(customerId, { limit, stageChangesOnly = false }) {
      const rows = await database
        .withTables<LifecycleTables>()
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .$if(stageChangesOnly, (query) => query.where('entered_stage', 'is not', null))
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute();
      return rows.reverse().map(entryOf);
    },
    // Index: the beginning of the primary key; one customer's events are few.
    async find(customerId, eventId) {
      const row = await database
        .withTables<LifecycleTables>()
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .where('id', '=', eventId)
        .executeTakeFirst();
      return row && entryOf(row);
    },
    // Index: the primary key.
    async readFrom(customerId, { after, limit }) {
      const rows = await database
        .withTables<LifecycleTables>()
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(limit)
        .execute();
      return rows.map(entryOf);
    },
  };
}
