import { sql } from 'kysely';
import type { StoreTransaction } from '@dotmac/core';
import { executorFor, insertOf, type Database } from '@dotmac/core/kysely';
import type { Customer } from '../../customers/customer.js';
import type { TermChange } from '../../search/terms.js';
import { among, arrayText } from './among.js';
import type { TermRow } from './search-tables.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_customer_terms';
/** Far below every database's limit of parameters. */
const idsAtOnce = 2_000;

type Write = (trx: StoreTransaction) => Promise<void>;
type Change = { customer: Pick<Customer, 'id' | 'createdAt'> } & TermChange;

/** Prepares to change what customers are found by; what they are found by already stays. */
export function prepareTerms(database: Database, tenantId: string, changes: readonly Change[]): Write {
  const remove = removal(database, tenantId, changes);
  const rows = changes.flatMap(({ customer: { id, createdAt }, add }) =>
    add.map((term) => ({ ...term, tenant_id: tenantId, created_at: createdAt, customer_id: id })),
  );
  const insert =
    database.dialect === 'postgres'
      ? insertion(database, rows)
      : insertOf(database, { insert: table, rows, skipExisting: true });
  return async (trx) => {
    await remove(trx);
    await insert(trx);
  };
}

/** Index: (tenant_id, customer_id, kind, term). */
function removal(database: Database, tenantId: string, changes: readonly Change[]): Write {
  const removals = new Map<string, { kind: string; term: string; ids: string[] }>();
  for (const { customer, remove } of changes)
    for (const { kind, term } of remove) {
      const key = `${kind} ${term}`;
      const same = removals.get(key);
      if (same) same.ids.push(customer.id);
      else removals.set(key, { kind, term, ids: [customer.id] });
    }
  return async (trx) => {
    for (const { kind, term, ids } of removals.values())
      for (let from = 0; from < ids.length; from += idsAtOnce)
        await executorFor<LifecycleTables>(database, trx)
          .deleteFrom(table)
          .where('tenant_id', '=', tenantId)
          .where(among(database, 'customer_id', ids.slice(from, from + idsAtOnce)))
          .where('kind', '=', kind)
          .where('term', '=', term)
          .execute();
  };
}

/** As arrays, which cost PostgreSQL a fraction of what JSON does. */
function insertion(database: Database, rows: readonly TermRow[]): Write {
  const arrayOf = (column: keyof TermRow) => arrayText(rows.map((row) => row[column]));
  const statement = sql`
    insert into dotmac_customer_terms (tenant_id, kind, term, created_at, customer_id)
    select * from unnest(cast(${arrayOf('tenant_id')} as text[]), cast(${arrayOf('kind')} as text[]),
      cast(${arrayOf('term')} as text[]), cast(${arrayOf('created_at')} as bigint[]),
      cast(${arrayOf('customer_id')} as text[]))
    on conflict do nothing`;
  return async (trx) => {
    if (rows.length > 0) await statement.execute(executorFor(database, trx));
  };
}
