import type { OutboxEntry, StoreTransaction } from '@dotmac/core';
import { executorFor, insertOf, toJson, type Database, type KyselyOutbox } from '@dotmac/core/kysely';
import type { BulkChange } from '../store.js';
import { among } from './among.js';
import { swapAtOnce, type Swap } from './bulk-swap.js';
import { prepareTerms } from './customer-terms.js';
import { entryRow } from './event-row.js';
import type { CustomerRow, LifecycleTables } from './tables.js';

const table = 'dotmac_customers';

/** Changes that set the same, together: most of a batch do. */
interface Group {
  changes: BulkChange[];
  set: Pick<CustomerRow, 'stage' | 'churning_from' | 'approval' | 'updated_at'> & { blocks: string };
}

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
  const swap = (database.dialect === 'postgres' ? swapAtOnce : swapGroups)(database, tenantId, changes);
  const others = [
    ...outbox.write(entries).map((write) => insertOf(database, write)),
    ...clearTimers(database, tenantId, changes),
  ];
  const isTold = entries.length > 0;
  return async (trx) => {
    const stale = await swap(trx);
    if (stale.length > 0) return stale;
    for (const write of others) await write(trx);
    if (isTold) outbox.written(trx);
    return [];
  };
}

/** Index: the primary key. */
function swapGroups(database: Database, tenantId: string, changes: readonly BulkChange[]): Swap {
  const ids = changes.map(({ before }) => before.id);
  const rows = changes.map(({ after, event }) => ({ ...entryRow(tenantId, after.id, { seq: after.version, event }) }));
  const tell = insertOf(database, { insert: 'dotmac_customer_events', rows });
  const changeTerms = prepareTerms(
    database,
    tenantId,
    changes.map(({ after: customer, terms }) => ({ customer, ...terms })),
  );
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
    const stale = changes.filter(({ before }) => versions.get(before.id) !== before.version);
    if (stale.length > 0) return stale.map(({ before }) => before.id);
    for (const { changes: together, set } of groupsOf(changes)) {
      const theirs = together.map(({ before }) => before.id);
      await on
        .updateTable(table)
        .set(({ eb }) => ({ ...set, version: eb('version', '+', 1) }))
        .where('tenant_id', '=', tenantId)
        .where(among(database, 'id', theirs))
        .execute();
    }
    await tell(trx);
    await changeTerms(trx);
    return [];
  };
}

function groupsOf(changes: readonly BulkChange[]): Group[] {
  const found = new Map<string, Group>();
  for (const change of changes) {
    const { stage, churningFrom, approval, blocks, updatedAt } = change.after;
    const set = { stage, churning_from: churningFrom, approval, blocks: toJson([...blocks]), updated_at: updatedAt };
    const key = Object.values(set).join('/');
    const group = found.get(key);
    if (group) group.changes.push(change);
    else found.set(key, { changes: [change], set });
  }
  return [...found.values()];
}

/** Index: the primary key. */
function clearTimers(
  database: Database,
  tenantId: string,
  changes: readonly BulkChange[],
): ((trx: StoreTransaction) => Promise<unknown>)[] {
  const byName = new Map<string, string[]>();
  for (const { after, cleared } of changes)
    for (const name of cleared) {
      const ids = byName.get(name);
      if (ids) ids.push(after.id);
      else byName.set(name, [after.id]);
    }
  return [...byName].map(
    ([name, ids]) =>
      (trx) =>
        executorFor<LifecycleTables>(database, trx)
          .deleteFrom('dotmac_lifecycle_timers')
          .where('tenant_id', '=', tenantId)
          .where('name', '=', name)
          .where(among(database, 'customer_id', ids))
          .execute(),
  );
}
