import type { ScopeIdentity } from '@dotmac/core';
import { invalidInput, readDraft, type Page } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { CustomerAsk } from '../search/ask.js';
import { readCursor, writeCursor } from './cursor.js';
import { checkFilter, conditionsOf, writtenFilter } from './filter.js';
import { customerListQuery, listed, type CustomerListDraft, type CustomerListItem } from './query.js';

/** A page of one tenant's customers. @throws INVALID_INPUT */
export async function listCustomers(
  context: LifecycleContext,
  { tenantId }: ScopeIdentity,
  draft: CustomerListDraft,
): Promise<Page<CustomerListItem>> {
  const ask = askOf(context, draft);
  const { found, next } = await context.store.tenant(tenantId).customers.list(ask);
  return {
    items: found.map(({ customer }) => listed(customer)),
    nextCursor: next ? writeCursor(`${ask.sort} ${ask.order}`, next) : null,
  };
}

/** What a draft asks the store for. @throws INVALID_INPUT */
function askOf(context: LifecycleContext, draft: CustomerListDraft): CustomerAsk {
  const { cursor, limit, sort: wanted, order: way, ...filter } = readDraft(customerListQuery, writtenFilter(draft));
  const refuse = (path: string, message: string) => invalidInput([{ path, message }]);
  const isByChange = filter.updatedFrom !== undefined || filter.updatedTo !== undefined;
  if (filter.search !== undefined && wanted !== undefined)
    throw refuse('sort', 'What is searched for is in the order of what matched');
  if (isByChange && wanted === 'created') throw refuse('sort', 'A time of change is asked for in its own order');
  const sort = filter.search === undefined ? (wanted ?? (isByChange ? 'updated' : 'created')) : 'search';
  const order = way ?? (sort === 'search' ? 'asc' : 'desc');
  checkFilter(context, filter);
  const after = cursor === undefined ? undefined : readCursor(`${sort} ${order}`, cursor);
  if (cursor !== undefined && !after) throw refuse('cursor', 'This is no cursor of such a list');
  return { ...conditionsOf(filter), sort, order, limit, after };
}
