import { sql, type Expression, type ExpressionBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { CustomerAsk, FoundCustomer } from '../../search/ask.js';
import type { Place } from '../../search/cursor.js';
import type { SearchTerm } from '../../search/terms.js';
import { columnsFit, endOfTerms, hasTerm } from './customer-conditions.js';
import { countLeads, leadsOf, type EntryRow, type Lead } from './customer-leads.js';
import type { TermRow } from './search-tables.js';
import { customerOf, type CustomerRow, type LifecycleTables } from './tables.js';

type Tables = LifecycleTables & { c: CustomerRow; t: TermRow & Required<EntryRow>; other: TermRow };
/** Customers as `c`; `t` is the entry, or the term, that the order is read from. */
type Query = SelectQueryBuilder<Tables, 'c' | 't', CustomerRow & { term?: string }>;
type Build = ExpressionBuilder<Tables, 'c' | 't'>;

interface List {
  database: Database;
  tenantId: string;
  ask: CustomerAsk;
}

/** How much is read before another way is taken; each of it within some milliseconds. */
interface Reach {
  /** Entries of an order that fill most pages. */
  soon: number;
  /** Customers that are looked at one by one. */
  few: number;
  /** Entries of an index that are counted, and kept in memory. */
  many: number;
  /** Entries of an index that are compared with those in memory. */
  most: number;
}

/**
 * Customers, by the index that has them in the order asked for. Where that is all that is asked, it is all that is read.
 * With several conditions it depends on how many customers each of them leaves, and that is counted as far as it matters:
 * where one leaves few, these are looked at. Otherwise the database chooses among indexes that end in one order; what it
 * cannot know is how far it has to go along an index of another order until a page is full. There those of the rarest
 * condition are picked by two indexes, before any customer is looked at. What takes longest are two conditions that each
 * leave many, and together next to nobody.
 */
export async function kyselyCustomerList(
  database: Database,
  tenantId: string,
  ask: CustomerAsk,
  reach: Reach = { soon: 250, few: 2_000, many: 20_000, most: 50_000 },
): Promise<FoundCustomer[]> {
  const { soon, few, many, most } = reach;
  const list: List = { database, tenantId, ask };
  const { ordered, others } = leadsOf(database, tenantId, ask);
  if (others.length === 0) return read(list, plainQuery(list));
  const inOrder = (picked: Picked) => read(list, orderedQuery(list, ordered, picked));
  const count = async (upTo: number) => {
    const [all = 0, ...counts] = await countLeads(database, [ordered, ...others], upTo);
    const least = Math.min(...counts);
    return { all, least, rarest: others[counts.indexOf(least)] ?? ordered };
  };

  const little = await count(few + 1);
  if (little.all <= few) return inOrder({ first: few });
  if (little.least <= few) return read(list, rareQuery(list, little.rarest, few));
  if (ask.sort === 'created') return read(list, plainQuery(list));
  const beginning = await inOrder({ first: soon });
  if (beginning.length > ask.limit) return beginning;
  const { least, rarest } = await count(many);
  if (least === many) return read(list, plainQuery(list));
  const picked = await inOrder({ first: most, among: rarest });
  return picked.length > ask.limit ? picked : read(list, rareQuery(list, rarest, many));
}

async function read({ ask: { sort, limit } }: List, query: Query): Promise<FoundCustomer[]> {
  const rows = await query.limit(limit + 1).execute();
  return rows.map((row) => {
    const customer = customerOf(row);
    const { id, createdAt, updatedAt } = customer;
    const place: Place = [sort === 'updated' ? updatedAt : createdAt, id];
    return { customer, place: row.term === undefined ? place : [row.term, ...place] };
  });
}

/** As the database sees fit: along the index of the order, or by that of another condition. */
function plainQuery(list: List): Query {
  const { database, tenantId, ask } = list;
  const { sort, order, after, prefix } = ask;
  const kysely = database.withTables<LifecycleTables>();
  const name = prefix === undefined ? undefined : ({ kind: 'name', term: prefix } as const);
  const lead = name ?? (sort === 'updated' ? undefined : ask.terms[0]);
  const customers = kysely.selectFrom('dotmac_customers as c').where('c.tenant_id', '=', tenantId).selectAll('c');
  const withTerm = (term: SearchTerm) =>
    kysely
      .selectFrom('dotmac_customer_terms as t')
      .innerJoin('dotmac_customers as c', (join) =>
        join.onRef('c.tenant_id', '=', 't.tenant_id').onRef('c.id', '=', 't.customer_id'),
      )
      .where('t.tenant_id', '=', tenantId)
      .where('t.kind', '=', term.kind)
      .where('t.term', name ? '>=' : '=', term.term)
      .$if(name !== undefined, (query) => query.where('t.term', '<', term.term + endOfTerms))
      .where('c.tenant_id', '=', tenantId)
      .selectAll('c');
  const query = (lead ? withTerm(lead) : customers) as unknown as Query;
  const created = lead ? ['t.created_at', 't.customer_id'] : ['c.created_at', 'c.id'];
  const places = name ? ['t.term', ...created] : sort === 'updated' ? ['c.updated_at', 'c.id'] : created;
  const rest = after ? query.where((build) => beyond(build, places, after, order)) : query;
  return fitting(list, rest, places, { known: [name ? undefined : lead], created: lead && 't.created_at' });
}

/** Which entries of an index are looked at: its first ones, and of these those of customers that another has as well. */
interface Picked {
  first?: number | undefined;
  among?: Lead;
}

/** By an index that is in the order asked for. */
function orderedQuery(list: List, { entries, columns, term }: Lead, { first, among }: Picked): Query {
  const { database, tenantId, ask } = list;
  const { order, after, prefix } = ask;
  const kysely = database.withTables<LifecycleTables>();
  let picked = entries;
  if (after) picked = picked.where((build) => beyond(build, columns, after, order));
  for (const column of columns) picked = picked.orderBy(column, order);
  if (first !== undefined) picked = picked.limit(first);
  const places = [...(prefix === undefined ? [] : ['t.term']), 't.at', 't.id'];
  let met = kysely.selectFrom(picked.as('t')).selectAll('t');
  if (among) {
    const those = kysely.selectFrom(among.entries.as('a')).select('a.id');
    // Not a condition that the database could begin with: it keeps these in memory, and goes along the order.
    met = met.where(sql<boolean>`(t.id in (${those})) is true`);
    for (const place of places) met = met.orderBy(sql.ref(place), order);
    // Some pages' worth: the database goes along the order then, and does not sort all that there is.
    met = met.limit(10 * (ask.limit + 1));
  }
  const query = kysely
    .selectFrom(met.as('t'))
    .innerJoin('dotmac_customers as c', (join) => join.onRef('c.id', '=', 't.id').on('c.tenant_id', '=', tenantId));
  return fitting(list, query.selectAll('c') as unknown as Query, places, { known: [term, among?.term] });
}

/** By an index in another order, which has `all` entries at most. */
function rareQuery(list: List, { entries, term }: Lead, all: number): Query {
  const { database, tenantId, ask } = list;
  const { prefix, sort, after, order } = ask;
  // Crossed, which is a join like any other but to SQLite: it reads the tables in this order then, and each by its key.
  const those = database
    .withTables<LifecycleTables>()
    .selectFrom(entries.limit(all).as('those'))
    .crossJoin('dotmac_customers as c')
    .where('c.tenant_id', '=', tenantId)
    .whereRef('c.id', '=', 'those.id')
    .selectAll('c');
  const named = those
    .crossJoin('dotmac_customer_terms as t')
    .where('t.tenant_id', '=', tenantId)
    .whereRef('t.customer_id', '=', 'c.id')
    .where('t.kind', '=', 'name')
    .where('t.term', '>=', prefix ?? '')
    .where('t.term', '<', `${prefix}${endOfTerms}`);
  const query = (prefix === undefined ? those : named) as unknown as Query;
  const time = sort === 'updated' ? 'c.updated_at' : 'c.created_at';
  const places = [...(prefix === undefined ? [] : ['t.term']), time, 'c.id'];
  const rest = after ? query.where((build) => beyond(build, places, after, order)) : query;
  return fitting(list, rest, places, { known: [term], isUnordered: true });
}

/** What is known of the rows of a query. */
interface Known {
  /** Terms that all of them have. */
  known: readonly (SearchTerm | undefined)[];
  /** A column of the creation that an index has. */
  created?: 't.created_at' | undefined;
  /** Does no index give the order? */
  isUnordered?: boolean;
}

/** Those of whom everything is true that is asked, by columns that have the order asked for. */
function fitting(
  { ask }: List,
  query: Query,
  columns: readonly string[],
  { known, created, isUnordered }: Known,
): Query {
  const { prefix, terms, order } = ask;
  let found = query.where((build) => columnsFit(build, ask, created));
  if (prefix !== undefined) found = found.select('t.term').where((build) => isFirstMatch(build, prefix, order));
  for (const term of terms)
    // Looked up for each customer, not for all before.
    if (!known.includes(term)) found = found.where((build) => sql<boolean>`(${hasTerm(build, term)}) is true`);
  for (const column of columns) {
    const ref = sql.ref(column);
    // An expression that no index has: the database is to sort these few, and not to look for them along an order.
    found = found.orderBy(isUnordered ? sql`coalesce(${ref}, ${ref})` : ref, order);
  }
  return found;
}

/** A customer that is found by several of its names is found once, by the first in the order. */
function isFirstMatch(build: Build, prefix: string, order: CustomerAsk['order']): Expression<SqlBool> {
  const before = build
    .selectFrom('dotmac_customer_terms as other')
    .select('other.customer_id')
    .whereRef('other.tenant_id', '=', 'c.tenant_id')
    .whereRef('other.customer_id', '=', 'c.id')
    .where('other.kind', '=', 'name')
    .where('other.term', '>=', prefix)
    .where('other.term', '<', prefix + endOfTerms)
    .whereRef('other.term', order === 'asc' ? '<' : '>', 't.term');
  return build.not(build.exists(before));
}

/** After a place in the order. Spelled out: not every database makes a range of `(a, b) > (x, y)`. */
function beyond<Tables, Names extends keyof Tables>(
  { and, or }: Pick<ExpressionBuilder<Tables, Names>, 'and' | 'or'>,
  columns: readonly string[],
  place: Place,
  order: CustomerAsk['order'],
): Expression<SqlBool> {
  const compare = (column: string, sign: '=' | '>' | '<' | '>=' | '<=', at: number) =>
    sql<SqlBool>`${sql.ref(column)} ${sql.raw(sign)} ${place[at]}`;
  const way = order === 'asc' ? '>' : '<';
  const steps = columns.map((column, index) =>
    and([...columns.slice(0, index).map((each, at) => compare(each, '=', at)), compare(column, way, index)]),
  );
  return and([compare(columns[0] ?? '', `${way}=`, 0), or(steps)]);
}
