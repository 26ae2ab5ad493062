import type { ScopeIdentity } from '@dotmac/core';
import { invalidInput, readDraft, type Page } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { statusOf } from '../customers/stage.js';
import { writtenInstant } from '../written-instant.js';
import type { CustomerAsk } from '../search/ask.js';
import { readCursor, writeCursor } from './cursor.js';
import { customerListQuery, type CustomerListDraft, type CustomerListItem } from './query.js';
import { attributeTerm, termText } from './terms.js';

type Instants = 'createdFrom' | 'createdTo' | 'updatedFrom' | 'updatedTo';

/** A page of one tenant's customers. @throws INVALID_INPUT */
export async function listCustomers(
  context: LifecycleContext,
  { tenantId }: ScopeIdentity,
  draft: CustomerListDraft,
): Promise<Page<CustomerListItem>> {
  const ask = askOf(context, draft);
  const { order, limit } = ask;
  const found = await context.store.tenant(tenantId).customers.list(ask);
  const last = found.length > limit ? found[limit - 1] : undefined;
  return {
    items: found.slice(0, limit).map(({ customer }) => listed(customer)),
    nextCursor: last ? writeCursor(`${ask.sort} ${order}`, last.place) : null,
  };
}

/** What a draft asks the store for. @throws INVALID_INPUT */
function askOf({ searchableAttributes }: LifecycleContext, draft: CustomerListDraft): CustomerAsk {
  const instants = Object.fromEntries(
    (['createdFrom', 'createdTo', 'updatedFrom', 'updatedTo'] satisfies Instants[])
      .filter((name) => draft[name] !== undefined)
      .map((name) => [name, writtenInstant(draft[name] as number)]),
  );
  const { search, attribute, reason, cursor, limit, ...given } = readDraft(customerListQuery, {
    ...draft,
    ...instants,
  });
  const refuse = (path: string, message: string) => invalidInput([{ path, message }]);
  const isByChange = given.updatedFrom !== undefined || given.updatedTo !== undefined;
  if (search !== undefined && given.sort !== undefined)
    throw refuse('sort', 'What is searched for is in the order of what matched');
  if (isByChange && given.sort === 'created') throw refuse('sort', 'A time of change is asked for in its own order');
  const sort = search === undefined ? (given.sort ?? (isByChange ? 'updated' : 'created')) : 'search';
  const order = given.order ?? (search === undefined ? 'desc' : 'asc');
  const [key = '', value] =
    attribute === undefined ? [] : [attribute.split(':', 1)[0], attribute.replace(/^[^:]+:/, '')];
  if (attribute !== undefined && !searchableAttributes.includes(key))
    throw refuse('attribute', 'This attribute is not searchable');
  const byAttribute = attribute === undefined ? undefined : attributeTerm(key, value);
  const after = cursor === undefined ? undefined : readCursor(`${sort} ${order}`, cursor);
  if (cursor !== undefined && !after) throw refuse('cursor', 'This is no cursor of such a list');
  return {
    ...given,
    sort,
    order,
    limit,
    after,
    prefix: search === undefined ? undefined : termText(search),
    terms: [
      ...(reason === undefined ? [] : [{ kind: 'reason', term: reason } as const]),
      ...(byAttribute ? [byAttribute] : []),
    ],
  };
}

function listed(customer: Customer): CustomerListItem {
  const { id, externalId, username, email, firstName, lastName, phone, userType } = customer;
  const { stage: lifecycleStage, approval, blocks, createdAt, updatedAt } = customer;
  const openReasons = blocks.map(({ reason }) => reason);
  return {
    id,
    externalId,
    username,
    email,
    firstName,
    lastName,
    phone,
    userType,
    status: statusOf[lifecycleStage],
    lifecycleStage,
    approval,
    openReasons,
    createdAt,
    updatedAt,
  };
}
