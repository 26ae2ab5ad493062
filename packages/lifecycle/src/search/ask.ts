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

/** A page of what was asked for. */
export interface FoundCustomers {
  /** `limit` at the most. */
  found: readonly FoundCustomer[];
  /**
   * Where to go on; undefined when nobody comes after these. There can be one though fewer were found than `limit`, or
   * nobody: a store may end a page where it has looked at so many that going on would take long.
   */
  next: Place | undefined;
}
