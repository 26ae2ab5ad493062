import type { StoreTransaction } from '@dotmac/core';
import type { BulkOperation, OperationWords } from '../bulk/operation.js';
import type { LegalHold } from '../privacy/hold.js';
import type { Run } from '../provisioning/run.js';
import type { Signal } from '../provisioning/signal.js';
import type { ServiceInstance } from '../services/instance.js';
import type { HistoryEntry } from './history.js';

/** What is left of what is kept of a customer. */
export interface Erasure {
  /** Undefined: the entry stays as it is. */
  entry(entry: HistoryEntry): HistoryEntry | undefined;
  service(service: ServiceInstance): ServiceInstance;
  run(run: Run): Run;
  /** What was said to the steps of one run, in the same order; each speaker of a step stays another. */
  signals(signals: readonly Signal[]): Signal[];
  /**
   * An operation whose filter has a text by which somebody is found, or that lists the customer; one that is not begun
   * with how many it lists as its `total`. Undefined: it stays as it is.
   */
  operation(operation: BulkOperation): OperationWords | undefined;
  /** What was answered of such an operation (JSON), now that it is left so. */
  answer(answer: string, left: OperationWords): string;
}

/** Why a customer was refused by an operation on many. */
export interface BulkRefusal {
  operationId: string;
  command: string;
  dryRun: boolean;
  code: string;
  message: string;
  /** Epoch ms: when the operation was asked for. */
  askedAt: number;
}

/**
 * What concerns the privacy of one tenant's customers. Changed under the lock of their customer alone. What is read in a
 * `trx` is what is committed by now, also where a host's transaction reads as of an earlier time.
 */
export interface PrivacyStore {
  /** A customer's sealed key. */
  key(customerId: string, trx?: StoreTransaction): Promise<string | undefined>;
  /** The key that is kept; where there is none, what `make` gives is kept from now on. */
  keepKey(customerId: string, make: () => string, trx: StoreTransaction): Promise<string>;
  /** Oldest first. */
  holds(customerId: string, trx?: StoreTransaction): Promise<LegalHold[]>;
  setHold(hold: LegalHold, trx: StoreTransaction): Promise<void>;
  /** False when there is none of this name. */
  liftHold(customerId: string, name: string, trx: StoreTransaction): Promise<boolean>;
  /** Where operations on many that are still kept were refused for a customer, in the order of their making. */
  refusals(customerId: string): Promise<BulkRefusal[]>;
  /**
   * Removes the customer's key, tokens, timers, dunning cases, the attributes it is found by, and what commands and
   * requests on it answered; writes what is left of history, services, runs, what was said to their steps, and operations
   * on many with what they answered: into their words where they are over, and as `erased` where they are not; empties the
   * messages of its refusals.
   */
  wipe(customerId: string, erasure: Erasure, trx: StoreTransaction): Promise<void>;
}
