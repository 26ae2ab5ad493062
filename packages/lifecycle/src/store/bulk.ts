import type { AnyEvent, OutboxEntry, StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import type { BulkFailure, BulkOperation } from '../bulk/operation.js';
import type { Customer } from '../customers/customer.js';
import type { LifecycleEvents } from '../events.js';
import type { TermChange } from '../search/terms.js';

/** A change of one of many customers. */
export interface BulkChange {
  before: Customer;
  /** One version later. */
  after: Customer;
  event: AnyEvent<LifecycleEvents>;
  /** What changes in what it is found by. */
  terms: TermChange;
  /** Timers that are not there any more then. */
  cleared: readonly string[];
}

/** Somebody whom an operation means. */
export interface BulkCandidate {
  id: string;
  /** Undefined where somebody is listed who is not there. */
  customer: Customer | undefined;
  /** Are there services that are neither terminated nor failed? A service that is asked for makes a new version. */
  isServed: boolean;
}

/** Many customers at once. */
export interface BulkCustomerStore {
  /** The greatest id of a customer; empty when there is none. */
  lastId(): Promise<string>;
  /** How many an operation still means. */
  count(operation: BulkOperation): Promise<number>;
  /** Those that it means next, in the order of their ids. */
  next(operation: BulkOperation, limit: number): Promise<BulkCandidate[]>;
  /**
   * Prepares to write stage, approval and reasons of customers, their events, what they are found by, and entries of the
   * outbox. One change of a customer.
   * @returns what writes it, once: the ids of those who are not as they were `before`; if there are any, the transaction
   * must not commit
   */
  prepare(
    changes: readonly BulkChange[],
    outbox?: readonly OutboxEntry[],
  ): (trx: StoreTransaction) => Promise<string[]>;
}

/** One tenant's commands for many. */
export interface BulkStore extends BulkCustomerStore {
  insert(operation: BulkOperation, trx?: StoreTransaction): Promise<void>;
  /** One; given a transaction, it stays as it is until that is over. */
  get(operationId: string, trx?: StoreTransaction): Promise<BulkOperation | undefined>;
  /** Newest first. */
  list(ask: { limit: number; cursor?: string | undefined }): Promise<Page<BulkOperation>>;
  /** How many are not over. */
  countOpen(trx: StoreTransaction): Promise<number>;
  /**
   * Notes that customers are being listed for one that is collecting, which it stays until the transaction is over; false
   * when it is not.
   */
  touch(operationId: string, at: number, trx: StoreTransaction): Promise<boolean>;
  /** Makes one pending that is collecting; false when it is not. */
  begin(operationId: string, trx?: StoreTransaction): Promise<boolean>;
  /** Notes that an open one is to be cancelled; one that is collecting is over at once, with what is left of its words. */
  requestCancel(operationId: string, at: number): Promise<void>;
  /**
   * Compare-and-swap: writes how far it is, if it is open and still where `before` was. Its words stay as they are kept; with
   * its end what is kept as `erased` takes their place, and is null where it means so many that they are no one's own.
   */
  advance(operation: BulkOperation, before: BulkOperation, trx: StoreTransaction): Promise<boolean>;
  addFailures(operationId: string, failures: readonly BulkFailure[], trx: StoreTransaction): Promise<void>;
  /** In the order of the customers' ids. */
  failures(ask: { operationId: string; limit: number; cursor?: string | undefined }): Promise<Page<BulkFailure>>;
  /** Lists customers for an operation, whether or not they are there; one that is listed already stays. */
  addTargets(operationId: string, customerIds: readonly string[], trx: StoreTransaction): Promise<void>;
  copyTargets(from: string, to: string, trx: StoreTransaction): Promise<void>;
}
