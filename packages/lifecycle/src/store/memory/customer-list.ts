import type { Customer } from '../../customers/customer.js';
import type { Place } from '../../search/cursor.js';
import type { SearchTerm } from '../../search/terms.js';
import type { CustomerConditions } from '../../search/filter.js';
import type { CustomerAsk, FoundCustomer, FoundCustomers } from '../../search/ask.js';

/** The page of customers that is asked for. */
export function foundPage(...asked: Parameters<typeof found>): FoundCustomers {
  const [{ limit }] = asked;
  const left = found(...asked);
  return { found: left.slice(0, limit), next: left.length > limit ? left[limit - 1]?.place : undefined };
}

/** The customers that are asked for, after the place where the last page ended, in the order asked for. */
export function found(
  ask: CustomerAsk,
  customers: readonly Customer[],
  termsOf: (customer: Customer) => readonly SearchTerm[],
): FoundCustomer[] {
  const forward = ask.order === 'asc' ? 1 : -1;
  return customers
    .flatMap((customer): FoundCustomer[] => {
      const terms = termsOf(customer);
      if (!fits(ask, customer, terms)) return [];
      const { id, createdAt, updatedAt } = customer;
      if (ask.prefix === undefined) return [{ customer, place: [ask.sort === 'updated' ? updatedAt : createdAt, id] }];
      const { prefix } = ask;
      const matching = terms
        .filter(({ kind, term }) => kind === 'name' && term.startsWith(prefix))
        .map((it) => it.term);
      const [first] = matching.sort((a, b) => (a < b ? -forward : forward));
      return first === undefined ? [] : [{ customer, place: [first, createdAt, id] }];
    })
    .filter(({ place }) => ask.after === undefined || compare(place, ask.after) * forward > 0)
    .sort((a, b) => compare(a.place, b.place) * forward);
}

/** Is everything true of a customer that conditions say? */
export function fits(asked: CustomerConditions, customer: Customer, terms: readonly SearchTerm[]): boolean {
  const { stage, userType, externalId, createdFrom, createdTo, updatedFrom, updatedTo, prefix } = asked;
  const within = (at: number, from = -Infinity, to = Infinity): boolean => at >= from && at < to;
  return (
    (stage === undefined || customer.stage === stage) &&
    (userType === undefined || customer.userType === userType) &&
    (externalId === undefined || customer.externalId === externalId) &&
    within(customer.createdAt, createdFrom, createdTo) &&
    within(customer.updatedAt, updatedFrom, updatedTo) &&
    (prefix === undefined || terms.some(({ kind, term }) => kind === 'name' && term.startsWith(prefix))) &&
    asked.terms.every(({ kind, term }) => terms.some((own) => own.kind === kind && own.term === term))
  );
}

function compare(a: Place, b: Place): number {
  for (const [index, part] of a.entries()) {
    const other = b[index] as typeof part;
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}
