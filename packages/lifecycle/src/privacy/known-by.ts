import type { AnyEvent, StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import type { LifecycleEvents } from '../events.js';
import { termsOf, type SearchTerm } from '../search/terms.js';
import { namesOf, type OwnNames } from './personal.js';
import { openEntries } from './vault.js';

const pageSize = 500;

/** What a customer is known by, and was. */
export interface KnownBy {
  emails: readonly string[];
  names: OwnNames;
  terms: readonly SearchTerm[];
  externalIds: ReadonlySet<string>;
}

/** What a customer is known by, and was as far as its history tells, and the key is there that this is sealed with. */
export async function knownBy(context: LifecycleContext, customer: Customer, trx: StoreTransaction): Promise<KnownBy> {
  const { id, tenantId } = customer;
  const { history } = context.store.tenant(tenantId);
  const emails = [customer.email];
  const terms = new Map<string, SearchTerm>();
  const externalIds = new Set<string>();
  const note = (then: Customer): void => {
    for (const term of termsOf(then, Object.keys(then.attributes))) terms.set(`${term.kind} ${term.term}`, term);
    if (then.externalId !== null) externalIds.add(then.externalId);
  };
  note(customer);
  // From the newest back: each tells what it changed, and to what. What was so at one time is known once the oldest is.
  let then = customer;
  const changed: Partial<Customer>[] = [];
  for (let before: number | undefined; ;) {
    const ask = { names: ['customer.updated', 'customer.linked'], before, limit: pageSize };
    const entries = await history.page(id, ask, trx);
    for (const { event } of await openEntries(context, tenantId, id, entries, trx)) {
      const { came, went } = changeOf(event);
      const [{ attributes: attributesCame, ...names }, { attributes: attributesWent, ...formerNames }] = [came, went];
      // They are found by one at a time, and may be long.
      for (const attributes of [attributesCame, attributesWent]) if (attributes) note({ ...then, attributes });
      changed.push(names);
      if (went.email !== undefined) emails.push(went.email);
      then = { ...then, ...names, ...formerNames };
    }
    before = entries.at(-1)?.seq;
    if (entries.length < pageSize) break;
  }
  note(then);
  for (const names of changed.reverse()) note((then = { ...then, ...names }));
  return { emails, names: namesOf(customer, emails), terms: [...terms.values()], externalIds };
}

/** What an event says of a change of what a customer is known by. Earlier versions noted less of what there was before. */
function changeOf({ name, data }: AnyEvent<LifecycleEvents>): Record<'came' | 'went', Partial<Customer>> {
  if (name === 'customer.linked') {
    const { externalId, formerExternalId } = data;
    return { came: { externalId }, went: formerExternalId ? { externalId: formerExternalId } : {} };
  }
  if (name !== 'customer.updated') return { came: {}, went: {} };
  const { changes, former, formerEmail } = data;
  return { came: changes, went: { ...former, ...(formerEmail && { email: formerEmail }) } };
}
