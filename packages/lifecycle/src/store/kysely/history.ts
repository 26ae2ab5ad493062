import type { ExpressionBuilder } from 'kysely';
import type { StoreTransaction } from '@dotmac/core';
import { executorFor, insertRows, type Database } from '@dotmac/core/kysely';
import type { Stage } from '../../customers/stage.js';
import type { HistoryStore, StageChange } from '../store.js';
import { kyselyFeed } from './feed.js';
import { entryOf, entryRow } from './event-row.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_customer_events';

/** History in the database. */
export function kyselyHistory(database: Database, tenantId: string): HistoryStore {
  const kysely = database.withTables<LifecycleTables>();
  const own = (customerId: string, trx?: StoreTransaction) =>
    executorFor<LifecycleTables>(database, trx)
      .selectFrom(table)
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('customer_id', '=', customerId);
  return {
    ...kyselyFeed(database, tenantId),
    async append(entries, trx) {
      const rows = entries.map((entry) => entryRow(tenantId, entry.event.subject, entry));
      await insertRows(database, { insert: table, rows: rows.map((row) => ({ ...row })) }, trx);
    },
    // Index: the primary key.
    async list(customerId, { limit, stageChangesOnly = false }) {
      const rows = await own(customerId)
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
    async page(customerId, { limit, before, names }, trx) {
      const rows = await own(customerId, trx)
        .$if(before !== undefined, (query) => query.where('seq', '<', before as number))
        .$if(names !== undefined, (query) => query.where('name', 'in', names as string[]))
        // In the snapshot of a host's own transaction, only a locking read sees what happened since.
        .$if(database.traits.skipLocked && trx !== undefined, (query) => query.forUpdate())
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute();
      return rows.map(entryOf);
    },
    // Index: the primary key.
    async ofMany(customerIds) {
      const rows = await kysely
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', 'in', customerIds)
        .orderBy('customer_id')
        .orderBy('seq')
        .execute();
      return rows.map(entryOf);
    },
    // Index: the primary key, all of it.
    async stageChanges({ before, after, limit }) {
      const rows = await kysely
        .selectFrom(table)
        .select(['customer_id', 'seq', 'entered_stage', 'at'])
        .where('tenant_id', '=', tenantId)
        .where('entered_stage', 'is not', null)
        .where('at', '<', before)
        .$if(after !== undefined, (query) => query.where(isAfter(after as StageChange)))
        .orderBy('customer_id')
        .orderBy('seq')
        .limit(limit)
        .execute();
      return rows.map(({ customer_id: customerId, seq, entered_stage, at }) => {
        return { customerId, seq: Number(seq), stage: entered_stage as Stage, at: Number(at) };
      });
    },
    // Index: the primary keys of both, all of them.
    async orphans({ after = '', limit }) {
      const rows = await kysely
        .selectFrom(`${table} as e`)
        .select('e.customer_id')
        .distinct()
        .where('e.tenant_id', '=', tenantId)
        .where('e.customer_id', '>', after)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('dotmac_customers as c')
                .select('c.id')
                .whereRef('c.tenant_id', '=', 'e.tenant_id')
                .whereRef('c.id', '=', 'e.customer_id'),
            ),
          ),
        )
        .orderBy('e.customer_id')
        .limit(limit)
        .execute();
      return rows.map(({ customer_id }) => customer_id);
    },
    // Index: the primary key.
    async readFrom(customerId, { after, limit }) {
      const rows = await own(customerId).where('seq', '>', after).orderBy('seq').limit(limit).execute();
      return rows.map(entryOf);
    },
  };
}

/** The first condition makes a range of it on every database. */
const isAfter =
  ({ customerId, seq }: StageChange) =>
  (build: ExpressionBuilder<LifecycleTables, typeof table>) =>
    build.and([
      build('customer_id', '>=', customerId),
      build.or([build('customer_id', '>', customerId), build('seq', '>', seq)]),
    ]);
