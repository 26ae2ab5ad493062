import type { OutboxEntry, StoreTransaction } from '@dotmac/core';
import type { Customer } from '../customers/customer.js';
import type { Stage } from '../customers/stage.js';
import type { Run } from '../provisioning/run.js';
import type { CustomerAsk, FoundCustomers } from '../search/ask.js';
import type { SearchTerm, TermChange } from '../search/terms.js';
import type { ServiceInstance } from '../services/instance.js';
import type { HistoryEntry } from './history.js';
import type { Checkpoint } from './runs.js';

/** A customer with what has to be known to decide on it. */
export interface Standing {
  customer: Customer;
  /** How many services it has that are neither terminated nor failed. */
  liveServices: number;
}

/** A change of a customer, and what follows from it. */
export interface CustomerChange {
  /** As it was read: it must still have this version. Only what differs is written. */
  before: Customer;
  after: Customer;
  history: readonly HistoryEntry[];
  outbox: readonly OutboxEntry[];
  /** A service to be set up, and the run that does it. */
  requested?: { service: ServiceInstance; run: Run } | undefined;
  /**
   * A run that ends with it, as a checkpoint says it, and its service afterwards. `fence` must still be the run's.
   */
  ended?: { runId: string; fence: number; state: Checkpoint; service: ServiceInstance } | undefined;
  /** What changes in what it is found by. */
  terms?: TermChange | undefined;
}

/** What became of a customer that was to be added: it was, or one of its names is another's. */
export type Insertion = 'inserted' | 'username' | 'email' | 'external_id';

/** One tenant's customers. */
export interface CustomerStore {
  /**
   * Adds customers, as if one after another, found by nothing yet ({@link CustomerStore.changeTerms}); or says of each
   * which of its names is taken. Does not break the transaction when one is.
   */
  insert(customers: readonly Customer[], trx: StoreTransaction): Promise<Insertion[]>;
  get(customerId: string, trx?: StoreTransaction): Promise<Customer | undefined>;
  /** Reads the latest state, and keeps others from changing it until the transaction ends. */
  lock(customerId: string, trx: StoreTransaction): Promise<Customer | undefined>;
  /** Reads without keeping anybody from anything: what is decided by it is written by compare-and-swap. */
  standing(customerId: string): Promise<Standing | undefined>;
  /**
   * Compare-and-swap: writes all of a change, in one commit, if the customer still has the version before; false, and
   * nothing written, when it has not. Listeners of the outbox are told.
   * @throws CUSTOMER_EXISTS for an external id or an email address that another customer has
   */
  change(change: CustomerChange, trx?: StoreTransaction): Promise<boolean>;
  /** The customer that has an email address, in any case. */
  byEmail(email: string, trx?: StoreTransaction): Promise<Customer | undefined>;
  /** The customer that the host knows by this id; a locking read in a transaction. */
  byExternalId(externalId: string, trx?: StoreTransaction): Promise<Customer | undefined>;
  /**
   * Changes what customers are found by, beside `change`: of those that were added or changed by other ways, or to put it
   * right.
   */
  changeTerms(
    changes: readonly ({ customer: Pick<Customer, 'id' | 'createdAt'> } & TermChange)[],
    trx: StoreTransaction,
  ): Promise<void>;
  /** The page that begins where the one before ended. Going on until there is no `next`, each is found once. */
  list(ask: CustomerAsk): Promise<FoundCustomers>;
  /** All customers by id, after one of them if given. */
  scan(after: string | undefined, limit: number): Promise<Customer[]>;
  /** What these customers are found by; without those that are found by nothing. */
  termsOf(customerIds: readonly string[], trx?: StoreTransaction): Promise<ReadonlyMap<string, SearchTerm[]>>;
  countByStage(): Promise<Partial<Record<Stage, number>>>;
}
