import type { SelectQueryBuilder } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { CustomerAsk } from '../../search/ask.js';
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
}

/** The indexes that an ask can be answered from. */
export interface Leads {
  /** It is in the order asked for. */
  ordered: Lead;
  /** One for each condition that is left. */
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
  const customers = (time: Time) =>
    kysely
      .selectFrom('dotmac_customers as e')
      .select(['e.id', `e.${time} as at`])
      .where('e.tenant_id', '=', tenantId);
  const byCreation = (column?: 'external_id' | 'stage' | 'user_type', value?: string): Lead => ({
    entries: between(
      customers('created_at').$if(column !== undefined, (query) =>
        query.where(`e.${column ?? 'id'}`, '=', value ?? ''),
      ),
      'created_at',
      createdFrom,
      createdTo,
    ),
    columns: ['e.created_at', 'e.id'],
  });
  const byChange = (): Lead => ({
    entries: between(customers('updated_at'), 'updated_at', updatedFrom, updatedTo),
    columns: ['e.updated_at', 'e.id'],
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
    return { ordered: byTerm({ kind: 'name', term: prefix }, true), others: [...rest, ...changed] };
  if (sort === 'updated') return { ordered: byChange(), others: rest };
  const [ordered = byCreation(), ...others] = found;
  return { ordered, others: [...others, ...changed] };
}

/** How many entries each has, counted up to `most`. */
export async function countLeads(database: Database, leads: readonly Lead[], most: number): Promise<number[]> {
  const counts = await database
    .withTables<LifecycleTables>()
    .selectNoFrom(({ selectFrom, fn }) =>
      leads.map(({ entries }, index) =>
        selectFrom(entries.limit(most).as('counted')).select(fn.countAll<number>().as('count')).as(`of${index}`),
      ),
    )
    .executeTakeFirstOrThrow();
  return leads.map((_, index) => Number(counts[`of${index}`]));
}
