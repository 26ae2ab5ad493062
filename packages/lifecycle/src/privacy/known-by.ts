import type { StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { termsOf, type SearchTerm } from '../search/terms.js';
import { namesOf, type OwnNames } from './personal.js';
import { openEntries } from './vault.js';

const pageSize = 500;

/** What a customer is known by, and was. */
export interface KnownBy {
  names: OwnNames;
  terms: readonly SearchTerm[];
  externalIds: ReadonlySet<string>;
}

/**
 * What a customer is known by, and was as far as its history tells, and the key is there that this is sealed with. Of what
 * it was registered with and is not known by any more, the history tells the address.
 */
export async function knownBy(context: LifecycleContext, customer: Customer, trx: StoreTransaction): Promise<KnownBy> {
  const { id, tenantId } = customer;
  const { history } = context.store.tenant(tenantId);
  const formerEmails: string[] = [];
  const terms = new Map<string, SearchTerm>();
  const externalIds = new Set<string>();
  const note = (then: Customer): void => {
    for (const term of termsOf(then, Object.keys(then.attributes))) terms.set(`${term.kind} ${term.term}`, term);
    if (then.externalId !== null) externalIds.add(then.externalId);
  };
  note(customer);
  // From the newest back: each tells what it changed to. What was so at one time is known once the oldest is.
  let then = customer;
  const changed: Partial<Customer>[] = [];
  for (let before: number | undefined; ;) {
    const ask = { names: ['customer.updated', 'customer.linked'], before, limit: pageSize };
    const entries = await history.page(id, ask, trx);
    for (const { event } of await openEntries(context, tenantId, id, entries, trx)) {
      if (event.name === 'customer.linked') changed.push({ externalId: event.data.externalId });
      if (event.name === 'customer.updated') {
        const { attributes, ...names } = event.data.changes as Partial<Customer>;
        changed.push(names);
        // They are found by one at a time, and may be long.
        if (attributes) note({ ...then, attributes });
      }
      then = { ...then, ...changed.at(-1) };
      // Earlier versions noted no former address.
      if (event.name !== 'customer.updated' || !event.data.formerEmail) continue;
      formerEmails.push(event.data.formerEmail);
      then = { ...then, email: event.data.formerEmail };
    }
    before = entries.at(-1)?.seq;
    if (entries.length < pageSize) break;
  }
  note(then);
  for (const names of changed.reverse()) note((then = { ...then, ...names }));
  return { names: namesOf(customer, formerEmails), terms: [...terms.values()], externalIds };
}
