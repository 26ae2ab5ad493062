import { sql, type Expression, type SelectQueryBuilder, type SqlBool } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { CustomerAsk, FoundCustomer, FoundCustomers } from '../../search/ask.js';
import type { Place } from '../../search/cursor.js';
import {
  columnsFit,
  columnsFitAt,
  hasNameWith,
  hasTermAt,
  isNameWith,
  type Standpoint,
} from './customer-conditions.js';
import {
  beyond,
  chooseLead,
  inOrder,
  lastOf,
  leadsOf,
  reachOf,
  type Entries,
  type EntryRow,
  type Lead,
  type Reach,
} from './customer-leads.js';
import type { TermRow } from './search-tables.js';
import { customerOf } from './customer-row.js';
import type { CustomerRow, LifecycleTables } from './tables.js';

type Tables = LifecycleTables & { c: CustomerRow; t: TermRow & Required<EntryRow>; other: TermRow };
/** Customers as `c`; `t` is the entry, or the term, that the order is read from. */
type Query = SelectQueryBuilder<Tables, 'c' | 't', CustomerRow & { term?: string }>;

interface List {
  database: Database;
  tenantId: string;
  ask: CustomerAsk;
}

/** A customer as it is read; `term`: of its names the one that it is found by. */
type FoundRow = CustomerRow & { term?: string | null };

/** The last entry that was looked at; nothing where there are not so many. */
interface LastEntry {
  last_term?: string | null;
  last_at: number | null;
  last_id: string | null;
}

/**
 * Customers, by the index that has them in the order asked for. Where that is all that is asked, it is all that is read.
 * With several conditions no index has just those of whom all are true. Where one of them leaves few, these are looked at.
 * Otherwise so many of one condition's are looked at as a page may take, and the page ends there, however many it found: two
 * conditions that each leave a tenth of a million, and together nobody, cannot be told to do so without reading as many.
 * An index that says all that is asked is read by itself, which is a fifth of what it takes to look up customers.
 */
export async function kyselyCustomerList(
  database: Database,
  tenantId: string,
  ask: CustomerAsk,
  reach: Reach = { few: 2_000, many: 10_000 },
): Promise<FoundCustomers> {
  const list: List = { database, tenantId, ask };
  const leads = leadsOf(database, tenantId, ask);
  const [only] = leads.inOrder.length + leads.others.length === 1 ? leads.inOrder : [];
  // All that such an index has is found, but for customers that were found by another of their names before: they have four.
  if (only) return along(list, only, (ask.limit + 1) * (ask.prefix === undefined ? 1 : 4));
  const { lead, isShort } = await chooseLead(database, leads, ask, reach);
  return (isShort ? among : along)(list, lead, reachOf(lead, reach));
}

/** By an index that is in the order asked for, of which `most` entries are looked at. */
async function along(list: List, lead: Lead, most: number): Promise<FoundCustomers> {
  const { database, tenantId, ask } = list;
  const kysely = database.withTables<LifecycleTables>();
  const isSearch = ask.prefix !== undefined;
  const places = [...(isSearch ? ['t.term'] : []), 't.at', 't.id'];
  // Crossed, which is a join like any other but to SQLite: it reads the tables in this order then, and each by its key.
  const met = kysely
    .selectFrom(narrowed(list, lead, inOrder(lead, ask).limit(most)).as('t'))
    .crossJoin('dotmac_customers as c')
    .where('c.tenant_id', '=', tenantId)
    .whereRef('c.id', '=', 't.id')
    .selectAll('c') as unknown as Query;
  const at: Standpoint = { tenantId, createdAt: lead.isWide ? 't.created_at' : 't.at', id: 't.id' };
  const found = fitting(list, met, places, { lead, at }).limit(ask.limit + 1);
  // One statement, so that no entry comes or goes between the two.
  const rows = (await kysely
    .selectFrom(kysely.selectNoFrom(sql.lit(1).as('one')).as('one'))
    .leftJoin(lastOf(lead, ask, most).as('last_entry'), (join) => join.onTrue())
    .leftJoin(found.as('found'), (join) => join.onTrue())
    .selectAll('found')
    .select(['last_entry.at as last_at', 'last_entry.id as last_id'])
    .$if(isSearch, (query) => query.select('last_entry.term as last_term').orderBy('found.term', ask.order))
    .orderBy(ask.sort === 'updated' ? 'found.updated_at' : 'found.created_at', ask.order)
    .orderBy('found.id', ask.order)
    .execute()) as unknown as (LastEntry & (FoundRow | { id: null }))[];
  const people = rows.filter((row): row is LastEntry & FoundRow => row.id !== null);
  return foundPage(list, people, placeOf(rows[0]));
}

/** By an index in another order, which had `all` entries at most when they were counted. */
async function among(list: List, lead: Lead, all: number): Promise<FoundCustomers> {
  const { database, tenantId, ask } = list;
  const { prefix, sort, after, order } = ask;
  const those = database
    .withTables<LifecycleTables>()
    .selectFrom(narrowed(list, lead, lead.entries.limit(2 * all)).as('those'));
  const named = those
    .crossJoin('dotmac_customer_terms as t')
    .where('t.tenant_id', '=', tenantId)
    .whereRef('t.customer_id', '=', 'those.id')
    .where(isNameWith('t', prefix ?? ''));
  const query = (prefix === undefined ? those : (named as unknown as typeof those))
    .crossJoin('dotmac_customers as c')
    .where('c.tenant_id', '=', tenantId)
    .whereRef('c.id', '=', 'those.id')
    .selectAll('c') as unknown as Query;
  const places = [...(prefix === undefined ? [] : ['t.term']), ...timeOf(sort)];
  const rest = after ? query.where((build) => beyond(build, places, after, order)) : query;
  const found = fitting(list, rest, places, {
    lead,
    at: { tenantId, createdAt: 'c.created_at', id: 'c.id' },
    isUnordered: true,
  });
  return foundPage(list, await found.limit(ask.limit + 1).execute(), undefined);
}

const timeOf = (sort: CustomerAsk['sort']) => [sort === 'updated' ? 'c.updated_at' : 'c.created_at', 'c.id'] as const;

/** Of entries that say something of stage, type and times, those of whom it is true; as far as a page goes, if that is all. */
function narrowed({ database, ask }: List, { isWide, isWhole }: Lead, entries: Entries): Entries {
  if (!isWide) return entries;
  const { sort, order, after, limit, externalId: _, ...conditions } = ask;
  const fit = database
    .withTables<LifecycleTables>()
    .selectFrom(entries.as('c'))
    .selectAll('c')
    .where((build) => columnsFit(build as never, conditions));
  const left = isWhole && after ? fit.where((build) => beyond(build, timeOf(sort), after, order)) : fit;
  const sorted = timeOf(sort).reduce((query, column) => query.orderBy(column as 'c.id', order), left);
  return (isWhole ? sorted.limit(limit + 1) : left) as unknown as Entries;
}

function placeOf({ last_term, last_at, last_id }: LastEntry = { last_at: null, last_id: null }): Place | undefined {
  if (last_id === null) return undefined;
  return [...(last_term == null ? [] : [last_term]), Number(last_at), last_id];
}

/** A page of those that were found, one more than that if there are more; otherwise it goes on after the `last` looked at. */
function foundPage({ ask: { sort, limit } }: List, rows: readonly FoundRow[], last: Place | undefined): FoundCustomers {
  const found = rows.slice(0, limit).map((row): FoundCustomer => {
    const customer = customerOf(row);
    const { id, createdAt, updatedAt } = customer;
    const place: Place = [sort === 'updated' ? updatedAt : createdAt, id];
    return { customer, place: sort === 'search' ? [row.term ?? '', ...place] : place };
  });
  return { found, next: rows.length > limit ? found.at(-1)?.place : last };
}

/** What is known of the rows of a query. */
interface Known {
  /** Where they come from. */
  lead: Lead;
  /** Where they stand in other indexes. */
  at: Standpoint;
  /** Does no index give the order? */
  isUnordered?: boolean;
}

/** Those of whom everything is true that is asked, by columns that have the order asked for. */
function fitting({ ask }: List, query: Query, columns: readonly string[], known: Known): Query {
  const { prefix, terms, order, stage, userType } = ask;
  const { lead, at, isUnordered } = known;
  // Judged for each customer: not conditions that the database could begin with. First those that an index can tell.
  let found = query;
  for (const term of terms) if (term !== lead.term) found = found.where(hasTermAt(at, term));
  if (!isUnordered && !lead.isWide && (stage ?? userType) !== undefined) found = found.where(columnsFitAt(at, ask));
  found = found.where((build) => sql<boolean>`(${columnsFit(build, ask)}) is true`);
  if (prefix !== undefined) found = found.select('t.term').where((build) => build.not(hasEarlierName(prefix, order)));
  for (const column of columns) {
    const ref = sql.ref(column);
    // An expression that no index has: the database is to sort these few, and not to look for them along an order.
    found = found.orderBy(isUnordered ? sql`coalesce(${ref}, ${ref})` : ref, order);
  }
  return found;
}

/** A customer that is found by several of its names is found once, by the first in the order. */
const hasEarlierName = (prefix: string, order: CustomerAsk['order']): Expression<SqlBool> =>
  hasNameWith(prefix, sql`and other.term ${sql.raw(order === 'asc' ? '<' : '>')} t.term`);
