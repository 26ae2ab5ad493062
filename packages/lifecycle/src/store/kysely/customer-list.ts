import type { Expression, ExpressionBuilder, SelectQueryBuilder, SqlBool } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { Place } from '../../search/cursor.js';
import type { SearchTerm } from '../../search/terms.js';
import type { CustomerAsk, FoundCustomer } from '../../search/ask.js';
import { columnsFit, endOfTerms, hasTerm } from './customer-conditions.js';
import type { TermRow } from './search-tables.js';
import { customerOf, type CustomerRow, type LifecycleTables } from './tables.js';

type Tables = LifecycleTables & { c: CustomerRow; t: TermRow; other: TermRow };
type Query = SelectQueryBuilder<Tables, 'c' | 't', CustomerRow & { term?: string }>;
type Build = ExpressionBuilder<Tables, 'c' | 't'>;
type Column = 't.term' | 't.created_at' | 't.customer_id' | 'c.created_at' | 'c.updated_at' | 'c.id';

/**
 * Customers, each filter through an index that ends in the order: (tenant_id, stage, created_at, id) and its like, or
 * the terms' primary key. Of several filters the database takes the one that leaves least, and looks at the rest.
 */
export async function kyselyCustomerList(
  database: Database,
  tenantId: string,
  ask: CustomerAsk,
): Promise<FoundCustomer[]> {
  const { sort, order, limit, after, prefix } = ask;
  const [lead, ...others] = prefix === undefined ? ask.terms : [{ kind: 'name', term: prefix } as const, ...ask.terms];
  const isByTerm = lead !== undefined && sort !== 'updated';
  const created = isByTerm ? (['t.created_at', 't.customer_id'] as const) : (['c.created_at', 'c.id'] as const);
  const orders: Record<CustomerAsk['sort'], readonly Column[]> = {
    created,
    updated: ['c.updated_at', 'c.id'],
    search: ['t.term', ...created],
  };
  const columns = orders[sort];
  let query = lead === undefined ? all(database) : withTerm(database, tenantId, lead, prefix !== undefined);
  query = query.where('c.tenant_id', '=', tenantId);
  if (prefix !== undefined) query = query.select('t.term').where((build) => isFirstMatch(build, prefix, order));
  for (const term of others) query = query.where((build) => hasTerm(build, term));
  query = query.where((build) => columnsFit(build, ask, created[0]));
  if (after) query = query.where((build) => beyond(build, columns, after, order));
  for (const column of columns) query = query.orderBy(column, order);
  const rows = await query.limit(limit + 1).execute();
  return rows.map((row) => {
    const customer = customerOf(row);
    const { id, createdAt, updatedAt } = customer;
    const place: Place = [sort === 'updated' ? updatedAt : createdAt, id];
    return { customer, place: row.term === undefined ? place : [row.term, ...place] };
  });
}

function all(database: Database): Query {
  // There is no `t` here, and no column of it is asked for.
  return database.withTables<LifecycleTables>().selectFrom('dotmac_customers as c').selectAll('c') as unknown as Query;
}

/** Beginning with the term: its index gives the order, and says which customers to look at. */
function withTerm(database: Database, tenantId: string, { kind, term }: SearchTerm, isPrefix: boolean): Query {
  const query = database
    .withTables<LifecycleTables>()
    .selectFrom('dotmac_customer_terms as t')
    .innerJoin('dotmac_customers as c', (join) =>
      join.onRef('c.tenant_id', '=', 't.tenant_id').onRef('c.id', '=', 't.customer_id'),
    )
    .selectAll('c')
    .where('t.tenant_id', '=', tenantId)
    .where('t.kind', '=', kind);
  const found = isPrefix
    ? query.where('t.term', '>=', term).where('t.term', '<', term + endOfTerms)
    : query.where('t.term', '=', term);
  return found as unknown as Query;
}

/** A customer that is found by several of its names is found once, by the first in the order. */
function isFirstMatch(build: Build, prefix: string, order: CustomerAsk['order']): Expression<SqlBool> {
  const before = build
    .selectFrom('dotmac_customer_terms as other')
    .select('other.customer_id')
    .whereRef('other.tenant_id', '=', 't.tenant_id')
    .whereRef('other.customer_id', '=', 't.customer_id')
    .where('other.kind', '=', 'name')
    .where('other.term', '>=', prefix)
    .where('other.term', '<', prefix + endOfTerms)
    .whereRef('other.term', order === 'asc' ? '<' : '>', 't.term');
  return build.not(build.exists(before));
}

/** After a place in the order. Spelled out: not every database makes a range of `(a, b) > (x, y)`. */
function beyond(
  build: Build,
  columns: readonly Column[],
  place: Place,
  order: CustomerAsk['order'],
): Expression<SqlBool> {
  const way = order === 'asc' ? '>' : '<';
  const [first] = columns;
  const steps = columns.map((column, index) =>
    build.and([
      ...columns.slice(0, index).map((each, at) => build(each, '=', place[at] as never)),
      build(column, way, place[index] as never),
    ]),
  );
  return build.and([build(first as Column, `${way}=`, place[0] as never), build.or(steps)]);
}
