import { sql } from 'kysely';
import type { OutboxEntry, StoreTransaction } from '@dotmac/core';
import { executorFor, insertOf, toJson, type Database, type KyselyOutbox } from '@dotmac/core/kysely';
import type { BulkChange } from '../store.js';
import { among } from './among.js';
import { entryRow } from './history.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_customers';

/** Changes that set the same, together: most of a batch do. */
interface Group {
  changes: BulkChange[];
  set: { stage: string; approval: string; blocks: string; updated_at: number };
}

/** Given a transaction, swaps the customers of changes that are as they were before: their ids. */
type Swap = (trx: StoreTransaction) => Promise<ReadonlySet<string>>;

/**
 * Prepares to write changes of many customers, a few statements for all of them.
 * @returns what writes them: the ids of those who are not as they were before; if there are any, the transaction must not
 * commit
 */
export function prepareChanges(
  database: Database,
  outbox: KyselyOutbox,
  tenantId: string,
  changes: readonly BulkChange[],
  entries: readonly OutboxEntry[] = [],
): (trx: StoreTransaction) => Promise<string[]> {
  const swap = (database.dialect === 'postgres' ? swapAll : swapGroups)(database, tenantId, changes);
  const rows = changes.map(({ after, event }) => ({ ...entryRow(tenantId, after.id, { seq: after.version, event }) }));
  const inserts = [{ insert: 'dotmac_customer_events', rows }, ...outbox.write(entries)].map((write) =>
    insertOf(database, write),
  );
  return async (trx) => {
    const swapped = await swap(trx);
    const others = changes.flatMap(({ after: { id } }) => (swapped.has(id) ? [] : [id]));
    if (others.length > 0) return others;
    for (const insert of inserts) await insert(trx);
    await clearTimers(database, tenantId, changes, trx);
    if (entries.length > 0) outbox.written(trx);
    return [];
  };
}

/** In one statement, which locks each row once. Index: the primary key. */
function swapAll(database: Database, tenantId: string, changes: readonly BulkChange[]): Swap {
  const groups = groupsOf(changes);
  const sets = groups.map(({ set }, number) => ({ ...set, number }));
  const numbers = new Map(groups.flatMap((group, number) => group.changes.map((change) => [change, number])));
  const given = changes.map((change) => {
    return { id: change.before.id, version: change.before.version, number: numbers.get(change) };
  });
  // Each is looked up by its key, whatever is known of the table: a join would have all of a tenant's customers read for
  // each batch until they are counted for the first time.
  const statement = sql<{ id: string }>`
    update dotmac_customers c
    set stage = s.stage, approval = s.approval, blocks = s.blocks, updated_at = s.updated_at, version = c.version + 1
    from json_to_recordset(cast(${JSON.stringify(given)} as json)) as g(id text, version integer, number integer)
    join json_to_recordset(cast(${JSON.stringify(sets)} as json))
      as s(number integer, stage text, approval text, blocks text, updated_at bigint) on s.number = g.number
    cross join lateral (
      select ctid from dotmac_customers where tenant_id = ${tenantId} and id = g.id and version = g.version limit 1
    ) as found
    where c.ctid = found.ctid
    returning c.id`;
  return async (trx) => {
    const { rows } = await statement.execute(executorFor(database, trx));
    return new Set(rows.map(({ id }) => id));
  };
}

/** Index: the primary key. */
function swapGroups(database: Database, tenantId: string, changes: readonly BulkChange[]): Swap {
  const ids = changes.map(({ before }) => before.id);
  return async (trx) => {
    const on = executorFor<LifecycleTables>(database, trx);
    const rows = await on
      .selectFrom(table)
      .select(['id', 'version'])
      .where('tenant_id', '=', tenantId)
      .where(among(database, 'id', ids))
      .orderBy('id')
      .$if(database.traits.skipLocked, (query) => query.forUpdate())
      .execute();
    const versions = new Map(rows.map(({ id, version }) => [id, version]));
    const same = changes.filter(({ before }) => versions.get(before.id) === before.version);
    for (const { changes: together, set } of groupsOf(same)) {
      const theirs = together.map(({ before }) => before.id);
      await on
        .updateTable(table)
        .set(({ eb }) => ({ ...set, version: eb('version', '+', 1) }))
        .where('tenant_id', '=', tenantId)
        .where(among(database, 'id', theirs))
        .execute();
    }
    return new Set(same.map(({ before }) => before.id));
  };
}

function groupsOf(changes: readonly BulkChange[]): Group[] {
  const found = new Map<string, Group>();
  for (const change of changes) {
    const { stage, approval, blocks, updatedAt } = change.after;
    const set = { stage, approval, blocks: toJson([...blocks]), updated_at: updatedAt };
    const key = Object.values(set).join('/');
    const group = found.get(key);
    if (group) group.changes.push(change);
    else found.set(key, { changes: [change], set });
  }
  return [...found.values()];
}

/** Index: the primary key. */
async function clearTimers(
  database: Database,
  tenantId: string,
  changes: readonly BulkChange[],
  trx: StoreTransaction,
): Promise<void> {
  const byName = new Map<string, string[]>();
  for (const { after, cleared } of changes)
    for (const name of cleared) {
      const ids = byName.get(name);
      if (ids) ids.push(after.id);
      else byName.set(name, [after.id]);
    }
  for (const [name, ids] of byName)
    await executorFor<LifecycleTables>(database, trx)
      .deleteFrom('dotmac_lifecycle_timers')
      .where('tenant_id', '=', tenantId)
      .where('name', '=', name)
      .where(among(database, 'customer_id', ids))
      .execute();
}
