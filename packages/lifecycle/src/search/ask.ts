import type { Customer } from '../customers/customer.js';
import type { Stage } from '../customers/stage.js';
import type { Place } from './cursor.js';
import type { SearchTerm } from './terms.js';

/** Which customers are asked for. Every one of the conditions that are given holds of what is found. */
export interface CustomerAsk {
  stage?: Stage | undefined;
  userType?: string | undefined;
  externalId?: string | undefined;
  /** Each of these is a term of the customer's. */
  terms: readonly SearchTerm[];
  /** The beginning of a term of the kind `name`; each customer is found once. Sorted by `search`. */
  prefix?: string | undefined;
  /** From, and before, in epoch ms. */
  createdFrom?: number | undefined;
  createdTo?: number | undefined;
  updatedFrom?: number | undefined;
  updatedTo?: number | undefined;
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
