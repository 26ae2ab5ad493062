import { sql, type Expression, type ExpressionBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { CustomerAsk } from '../../search/ask.js';
import type { Place } from '../../search/cursor.js';
import type { SearchTerm } from '../../search/terms.js';
import { endOfTerms } from './customer-conditions.js';
import type { TermRow } from './search-tables.js';
import type { CustomerRow, LifecycleTables } from './tables.js';

/** An entry of an index: of whom it is, and at which time it is sorted in. */
export interface EntryRow {
  id: string;
  at: number;
  /** Said by the index of terms alone. */
  term?: string;
  /** Said by the indexes of stage, type and change. */
  stage?: string;
  user_type?: string;
  created_at?: number;
  updated_at?: number;
}

/** Entries of an index, as `e`. */
export type Entries = SelectQueryBuilder<LifecycleTables & { e: CustomerRow & TermRow }, 'e', EntryRow>;

type Time = 'created_at' | 'updated_at';

/** The customers of whom one condition is true, as the index that is made for it has them: nothing else is read. */
export interface Lead {
  entries: Entries;
  /** What the index is sorted by after what the condition says; the last of it is the customer's id. */
  columns: readonly ('e.term' | `e.${Time}` | 'e.id' | 'e.customer_id')[];
  /** What everybody in it has. */
  term?: SearchTerm;
  /** Do its entries say stage, type and times? */
  isWide?: boolean;
  /** Do they say all that is asked, so that no customer has to be looked at? */
  isWhole?: boolean;
}

/** The indexes that an ask can be answered from: one for each of its conditions. */
export interface Leads {
  /** In the order asked for; one of them at least. */
  inOrder: readonly Lead[];
  /** In another one. */
  others: readonly Lead[];
}

/** Finds the indexes for an ask. */
export function leadsOf(database: Database, tenantId: string, ask: CustomerAsk): Leads {
  const { stage, userType, externalId, terms, prefix, sort } = ask;
  const { createdFrom, createdTo, updatedFrom, updatedTo } = ask;
  const kysely = database.withTables<LifecycleTables>();
  const between = (entries: unknown, time: Time, from?: number, to?: number): Entries =>
    (entries as Entries)
      .$if(from !== undefined, (query) => query.where(`e.${time}`, '>=', from as number))
      .$if(to !== undefined, (query) => query.where(`e.${time}`, '<', to as number));
  const customers = (time: Time, isWide: boolean) =>
    kysely
      .selectFrom('dotmac_customers as e')
      .select(['e.id', `e.${time} as at`])
      .$if(isWide, (query) => query.select(['e.stage', 'e.user_type', 'e.created_at', 'e.updated_at']))
      .where('e.tenant_id', '=', tenantId);
  const isByColumns = externalId === undefined && terms.length === 0 && prefix === undefined;
  const isWide = (column?: string) => column === 'stage' || column === 'user_type';
  const byCreation = (column?: 'external_id' | 'stage' | 'user_type', value?: string): Lead => ({
    entries: between(
      customers('created_at', isWide(column)).$if(column !== undefined, (query) =>
        query.where(`e.${column ?? 'id'}`, '=', value ?? ''),
      ),
      'created_at',
      createdFrom,
      createdTo,
    ),
    columns: ['e.created_at', 'e.id'],
    isWide: isWide(column),
    isWhole: isByColumns && isWide(column),
  });
  const byChange = (): Lead => ({
    entries: between(customers('updated_at', true), 'updated_at', updatedFrom, updatedTo),
    columns: ['e.updated_at', 'e.id'],
    isWide: true,
    isWhole: isByColumns,
  });
  const byTerm = (own: SearchTerm, isPrefix = false): Lead => {
    const { kind, term } = own;
    const entries = kysely
      .selectFrom('dotmac_customer_terms as e')
      .select(['e.customer_id as id', 'e.created_at as at', 'e.term'])
      .where('e.tenant_id', '=', tenantId)
      .where('e.kind', '=', kind)
      .where('e.term', isPrefix ? '>=' : '=', term)
      .$if(isPrefix, (query) => query.where('e.term', '<', term + endOfTerms));
    return {
      // Of several terms, those of a time are not together.
      entries: isPrefix ? (entries as unknown as Entries) : between(entries, 'created_at', createdFrom, createdTo),
      columns: [...(isPrefix ? (['e.term'] as const) : []), 'e.created_at', 'e.customer_id'],
      ...(!isPrefix && { term: own }),
    };
  };

  const found = [
    ...(externalId === undefined ? [] : [byCreation('external_id', externalId)]),
    ...terms.map((term) => byTerm(term)),
    ...(stage === undefined ? [] : [byCreation('stage', stage)]),
    ...(userType === undefined ? [] : [byCreation('user_type', userType)]),
  ];
  const changed = updatedFrom === undefined && updatedTo === undefined ? [] : [byChange()];
  const created = createdFrom === undefined && createdTo === undefined ? [] : [byCreation()];
  const rest = found.length > 0 ? found : created;
  if (prefix !== undefined)
    return { inOrder: [byTerm({ kind: 'name', term: prefix }, true)], others: [...rest, ...changed] };
  if (sort === 'updated') return { inOrder: [byChange()], others: rest };
  return { inOrder: found.length > 0 ? found : [byCreation()], others: changed };
}

/** The entries of an index after the place where the page before ended, in the order asked for, which is the index's. */
export function inOrder({ entries, columns }: Lead, { after, order }: Pick<CustomerAsk, 'after' | 'order'>): Entries {
  let left = after ? entries.where((build) => beyond(build, columns, after, order)) : entries;
  for (const column of columns) left = left.orderBy(column, order);
  return left;
}

/** After a place in the order. Spelled out: not every database makes a range of `(a, b) > (x, y)`. */
export function beyond<Tables, Names extends keyof Tables>(
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

/** How much is looked at for a page, whatever is asked: as much as takes some milliseconds. */
export interface Reach {
  /** Customers, each looked up by its key. */
  few: number;
  /** Entries of an index that is whole. */
  many: number;
}

/** How many entries of an index are looked at for a page. */
export function reachOf({ isWhole }: Lead, { few, many }: Reach): number {
  return isWhole ? many : few;
}

/** The index to read a page from. */
export interface Choice {
  lead: Lead;
  /** Is it in another order than the one asked for, and so short that all of it can be looked at? */
  isShort: boolean;
}

/**
 * The index that takes furthest with what is looked at for a page: one that is short, or of those in the order asked for
 * the one whose next entries end last.
 */
export async function chooseLead(
  database: Database,
  { inOrder: ordered, others }: Leads,
  ask: CustomerAsk,
  reach: Reach,
): Promise<Choice> {
  const found = await database
    .withTables<LifecycleTables>()
    .selectNoFrom(({ selectFrom, fn }) => [
      sql<null>`null`.as('nothing'),
      ...(ordered.length === 1 ? [] : ordered).map((lead, index) =>
        selectFrom(lastOf(lead, ask, reachOf(lead, reach)).as('last_entry'))
          .select('last_entry.at')
          .as(`end${index}`),
      ),
      ...others.map((lead, index) =>
        // In the index's order, so that it is the index that is counted, and not the table, up to as many as fit.
        selectFrom(
          inOrder(lead, { order: ask.order })
            .limit(reachOf(lead, reach) + 1)
            .as('counted'),
        )
          .select(fn.countAll<number>().as('count'))
          .as(`count${index}`),
      ),
    ])
    .executeTakeFirstOrThrow();
  const short = others
    .map((lead, index) => ({ lead, count: Number(found[`count${index}`]) }))
    .filter(({ lead, count }) => count <= reachOf(lead, reach))
    .sort((a, b) => a.count - b.count)[0]?.lead;
  if (short) return { lead: short, isShort: true };
  const forward = ask.order === 'asc' ? 1 : -1;
  const [furthest] = ordered
    .map((lead, index) => ({ lead, end: Number(found[`end${index}`] ?? forward * Infinity) * forward }))
    .sort((a, b) => (a.end === b.end ? 0 : b.end - a.end));
  if (!furthest) throw new TypeError('There is no index in the order that is asked for.');
  return { lead: furthest.lead, isShort: false };
}

/** The last of the next `many` entries; none where there are fewer. */
export function lastOf(lead: Lead, ask: CustomerAsk, many: number): Entries {
  return inOrder(lead, ask)
    .limit(1)
    .offset(many - 1);
}
