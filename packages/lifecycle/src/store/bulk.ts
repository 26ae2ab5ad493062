import type { AnyEvent, StoreTransaction } from '@dotmac/core';
import type { Page } from '@dotmac/core/contract';
import type { BulkFailure, BulkOperation } from '../bulk/operation.js';
import type { Customer } from '../customers/customer.js';
import type { LifecycleEvents } from '../events.js';

/** A change of one of many customers. */
export interface BulkChange {
  before: Customer;
  after: Customer;
  event: AnyEvent<LifecycleEvents>;
  /** Timers that are not there any more then. */
  cleared: readonly string[];
}

/** Many customers at once. */
export interface BulkCustomerStore {
  /** How many an operation still means. */
  count(operation: BulkOperation): Promise<number>;
  /** The ids of those that it means next, in their order. */
  match(operation: BulkOperation, limit: number): Promise<string[]>;
  /** In the order of their ids; who is not there is left out. */
  read(ids: readonly string[], trx: StoreTransaction): Promise<Customer[]>;
  /** The same, and keeps others from changing them until the transaction ends. */
  lock(ids: readonly string[], trx: StoreTransaction): Promise<Customer[]>;
  /** Those of them who have services that are neither terminated nor failed. */
  served(ids: readonly string[], trx?: StoreTransaction): Promise<ReadonlySet<string>>;
  /** Writes stage, approval and reasons of locked customers, and their events. One change of a customer. */
  apply(changes: readonly BulkChange[], trx: StoreTransaction): Promise<void>;
}

/** One tenant's commands for many. */
export interface BulkStore extends BulkCustomerStore {
  insert(operation: BulkOperation): Promise<void>;
  get(operationId: string): Promise<BulkOperation | undefined>;
  /** Newest first. */
  list(ask: { limit: number; cursor?: string | undefined }): Promise<Page<BulkOperation>>;
  /** How many are not over. */
  countOpen(): Promise<number>;
  /** Makes one pending that is collecting; false when it is not. */
  begin(operationId: string): Promise<boolean>;
  /** Notes that an open one is to be cancelled; one that is collecting is over at once. */
  requestCancel(operationId: string, at: number): Promise<void>;
  /** Compare-and-swap: writes how far it is, if it is open and still where `before` was. */
  advance(operation: BulkOperation, before: BulkOperation, trx: StoreTransaction): Promise<boolean>;
  addFailures(operationId: string, failures: readonly BulkFailure[], trx: StoreTransaction): Promise<void>;
  /** In the order of the customers' ids. */
  failures(ask: { operationId: string; limit: number; cursor?: string | undefined }): Promise<Page<BulkFailure>>;
  /** Lists customers for an operation, whether or not they are there; one that is listed already stays. */
  addTargets(operationId: string, customerIds: readonly string[], trx: StoreTransaction): Promise<void>;
  copyTargets(from: string, to: string, trx: StoreTransaction): Promise<void>;
}
