import { sql } from 'kysely';
import type { StoreTransaction } from '@dotmac/core';
import { executorFor, toJson, type Database } from '@dotmac/core/kysely';
import type { BulkOperation } from '../../bulk/operation.js';
import { enteredBy } from '../../customers/entered-stage.js';
import { lifecycleErrors } from '../../errors.js';
import { conditionsOf } from '../../search/filter.js';
import type { BulkChange, BulkCustomerStore } from '../store.js';
import { fits } from './customer-conditions.js';
import { customerOf, type LifecycleTables } from './tables.js';

const table = 'dotmac_customers';
/** 10 columns a row: far below every database's limit of parameters. */
const rowsPerInsert = 500;

/** Many customers at once: reading whom an operation means, and writing what it came to, a few statements a batch. */
export function kyselyBulkCustomers(database: Database, tenantId: string): BulkCustomerStore {
  const on = (trx?: StoreTransaction) => executorFor<LifecycleTables>(database, trx);
  const isPostgres = database.dialect === 'postgres';
  /** Of those that a filter means, from the last one that is done with. */
  const meant = ({ filter, cursor, upTo }: BulkOperation) => {
    const { stages, userTypes, listed: _, ...like } = filter;
    return on()
      .selectFrom('dotmac_customers as c')
      .where('c.tenant_id', '=', tenantId)
      .where('c.id', '>', cursor)
      .where('c.id', '<', upTo)
      .$if(stages !== undefined, (query) => query.where('c.stage', 'in', [...(stages ?? [])]))
      .$if(userTypes !== undefined, (query) => query.where('c.user_type', 'in', [...(userTypes ?? [])]))
      .where((build) => fits(build as never, conditionsOf(like)));
  };
  const listed = ({ id, cursor }: BulkOperation) =>
    on()
      .selectFrom('dotmac_bulk_targets')
      .where('tenant_id', '=', tenantId)
      .where('operation_id', '=', id)
      .where('customer_id', '>', cursor);
  /** PostgreSQL takes thousands of values as one array for a fraction of what they cost one by one. */
  const among = (column: 'id' | 'customer_id', ids: readonly string[]) =>
    isPostgres
      ? sql<boolean>`${sql.ref(column)} = any(${[...ids]}::text[])`
      : sql<boolean>`${sql.ref(column)} in (${sql.join([...ids])})`;
  const read = (ids: readonly string[], trx: StoreTransaction, locks: boolean) =>
    on(trx)
      .selectFrom(table)
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where(among('id', ids))
      .orderBy('id')
      .$if(locks, (query) => query.forUpdate())
      .execute();

  return {
    async count(operation) {
      const found = await (
        operation.filter.listed
          ? listed(operation).select(({ fn }) => fn.countAll<number>().as('count'))
          : meant(operation).select(({ fn }) => fn.countAll<number>().as('count'))
      ).executeTakeFirstOrThrow();
      return Number(found.count);
    },
    // Index: the primary key, in its order; with a stage, (tenant_id, stage, id).
    async match(operation, limit) {
      if (operation.filter.listed) {
        const rows = await listed(operation).select('customer_id').orderBy('customer_id').limit(limit).execute();
        return rows.map(({ customer_id }) => customer_id);
      }
      const rows = await meant(operation).select('c.id').orderBy('c.id').limit(limit).execute();
      return rows.map(({ id }) => id);
    },
    read: async (ids, trx) => (await read(ids, trx, false)).map(customerOf),
    lock: async (ids, trx) => (await read(ids, trx, database.traits.skipLocked)).map(customerOf),
    // Index: (tenant_id, customer_id, id).
    async served(ids, trx) {
      const rows = await on(trx)
        .selectFrom('dotmac_services')
        .select('customer_id')
        .distinct()
        .where('tenant_id', '=', tenantId)
        .where(among('customer_id', ids))
        .where('status', 'not in', ['terminated', 'failed'])
        .execute();
      return new Set(rows.map(({ customer_id }) => customer_id));
    },
    async apply(changes, trx) {
      for (const { ids, set } of groups(changes)) {
        const { numUpdatedRows } = await on(trx)
          .updateTable(table)
          .set(({ eb }) => ({ ...set, version: eb('version', '+', 1) }))
          .where('tenant_id', '=', tenantId)
          .where(among('id', ids))
          .executeTakeFirst();
        // They are locked: this cannot be.
        if (Number(numUpdatedRows) !== ids.length)
          throw lifecycleErrors.CONCURRENT_CHANGE({ customerId: ids[0] ?? '' });
      }
      await addEvents(database, tenantId, changes, trx);
      await clearTimers(database, tenantId, changes, trx);
    },
  };
}

type Set = { stage: string; approval: string; blocks: string; updated_at: number };

/** Changes that set the same, together: most of a batch do. */
function groups(changes: readonly BulkChange[]): { ids: string[]; set: Set }[] {
  const found = new Map<string, { ids: string[]; set: Set }>();
  for (const { after } of changes) {
    const blocks = toJson([...after.blocks]);
    const key = `${after.stage}/${after.approval}/${blocks}`;
    const group = found.get(key);
    if (group) group.ids.push(after.id);
    else
      found.set(key, {
        ids: [after.id],
        set: { stage: after.stage, approval: after.approval, blocks, updated_at: after.updatedAt },
      });
  }
  return [...found.values()];
}

async function addEvents(
  database: Database,
  tenantId: string,
  changes: readonly BulkChange[],
  trx: StoreTransaction,
): Promise<void> {
  const on = executorFor<LifecycleTables>(database, trx);
  const rows = changes.map(({ after, event }) => ({
    tenant_id: tenantId,
    customer_id: after.id,
    seq: after.version,
    id: event.id,
    name: event.name,
    entered_stage: enteredBy(event),
    actor: event.actor,
    at: event.at,
    data: JSON.stringify(event.data),
    sealed: null,
  }));
  if (database.dialect === 'postgres') {
    const all = <Key extends keyof (typeof rows)[number]>(key: Key) => rows.map((row) => row[key]);
    await sql`
      insert into dotmac_customer_events (tenant_id, customer_id, seq, id, name, entered_stage, actor, at, data)
      select ${tenantId}, * from unnest(${all('customer_id')}::text[], ${all('seq')}::int[], ${all('id')}::text[],
        ${all('name')}::text[], ${all('entered_stage')}::text[], ${all('actor')}::text[], ${all('at')}::bigint[],
        ${all('data')}::text[])`.execute(on);
    return;
  }
  for (let start = 0; start < rows.length; start += rowsPerInsert)
    await on
      .insertInto('dotmac_customer_events')
      .values(rows.slice(start, start + rowsPerInsert))
      .execute();
}

/** Index: the primary key. */
async function clearTimers(
  database: Database,
  tenantId: string,
  changes: readonly BulkChange[],
  trx: StoreTransaction,
): Promise<void> {
  const names = [...new Set(changes.flatMap(({ cleared }) => cleared))];
  if (names.length === 0) return;
  const ids = changes.flatMap(({ after, cleared }) => (cleared.length > 0 ? [after.id] : []));
  const timers = await executorFor<LifecycleTables>(database, trx)
    .selectFrom('dotmac_lifecycle_timers')
    .select(['customer_id', 'name'])
    .where('tenant_id', '=', tenantId)
    .where('customer_id', 'in', ids)
    .where('name', 'in', names)
    .execute();
  const clearedOf = new Map(changes.map(({ after, cleared }) => [after.id, cleared]));
  for (const { customer_id, name } of timers)
    if (clearedOf.get(customer_id)?.includes(name))
      await executorFor<LifecycleTables>(database, trx)
        .deleteFrom('dotmac_lifecycle_timers')
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customer_id)
        .where('name', '=', name)
        .execute();
}
