import type { Customer } from '../customers/customer.js';
import type { Place } from './cursor.js';
import type { CustomerConditions } from './filter.js';

/** Which customers are asked for; those that a `prefix` finds once each, sorted by `search`. */
export interface CustomerAsk extends CustomerConditions {
  /** `search`: by the first term that matched, then by creation. */
  sort: 'created' | 'updated' | 'search';
  order: 'asc' | 'desc';
  limit: number;
  /** Where the page before ended. */
  after?: Place | undefined;
}

/** A customer that was found, at its place in the order asked for. */
export interface FoundCustomer {
  customer: Customer;
  place: Place;
}
