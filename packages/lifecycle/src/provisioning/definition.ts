import type { StoreTransaction } from '@dotmac/core';
import type { Customer } from '../customers/customer.js';
import type { OperationName } from '../services/operation.js';

/** What a step is told. */
export interface StepContext<Config = unknown> {
  tenantId: string;
  customerId: string;
  /** The customer as it is now. */
  customer: Customer;
  /** The run's id; of a run that sets a service up also the service's. */
  requestId: string;
  serviceId: string;
  serviceName: string;
  operation: OperationName;
  /** Read by the template's schema. */
  config: Config;
  /** Of a change of plan: what the service was before. */
  previous: { serviceName: string; config: Record<string, unknown> } | null;
  /** What the completed steps gave back, by their keys: of this run, and of those that the service had before. */
  outputs: Readonly<Record<string, unknown>>;
  /** 1 at the first attempt. */
  attempt: number;
  /**
   * `<requestId>:<step>`, the same on every attempt, also after a crash: hand it to whatever the step calls, so that
   * it is done once. A step with `completion` that an operator has tried anew is ordered anew:
   * `<requestId>:<step>:<round>`, from 1. Compensation has `<requestId>:<step>:compensate`, of all rounds.
   */
  idempotencyKey: string;
  /**
   * Aborts at the step's deadline, when the run is cancelled or its lease lost, and when the process stops. A cancellation
   * by the process that does the step is told at once, one by another, or in a transaction of the host's, when the lease is
   * renewed: within `leaseMs / 3`.
   */
  signal: AbortSignal;
}

/** What an action is told. */
export interface ActionContext<Config = unknown> extends StepContext<Config> {
  /**
   * For a step with `completion`: who holds it may end the step, by `provisioning.complete` or over HTTP. Hand it to the
   * system that is asked, as a secret.
   */
  completionToken: string;
}

/** What undoing a step is told. */
export interface CompensationContext<Config = unknown> extends StepContext<Config> {
  /** What `run` gave back; undefined when it did not. */
  output: unknown;
  /**
   * `unknown`: the step failed, timed out, was cut short by a crash or skipped by an operator, or the service had another
   * plan when it was set up; it may have had its effect or not.
   */
  outcome: 'completed' | 'unknown';
}

/** A step's own view of whether its effect is there. */
export type Reconciliation = { done: true; output?: unknown } | { done: false };

/** How often a step is tried. */
export interface RetryPolicy {
  /** Attempts at the most. Default 3, for compensation 5. */
  attempts?: number;
  /**
   * Wait after the first failure; doubles with each further one, and half of it is random, so that what failed together
   * does not come back together. Default 1,000 ms.
   */
  firstBackoffMs?: number;
  /** Longest wait between two attempts. Default 60,000 ms. */
  longestBackoffMs?: number;
}

interface AnyStep {
  /** Stable: kept with the run, and part of the idempotency key. */
  key: string;
}

/** A step that calls another system: at least once, under one idempotency key. */
export interface ActionStep<Config = unknown> extends AnyStep {
  /**
   * Does it. What it gives back is kept as JSON for later steps, so up to 64 KiB and no secrets. Throwing means another
   * attempt, save for an OperationError of a kind that trying again does not mend (`invalid`, `not_found`, `conflict`,
   * `forbidden`, ...).
   */
  run: (context: ActionContext<Config>) => unknown;
  /**
   * Undoes it, also when nobody knows whether it was done: must be content to find nothing. Without one, there is
   * nothing to undo. Of a step with `completion` it undoes what was ordered in every round.
   */
  compensate?: (context: CompensationContext<Config>) => unknown;
  /**
   * Looks whether it is done: asked before an attempt that follows one of unknown outcome, and by the report of what
   * differs from what is kept (`services.drift`). Of a step with `completion`, whether it was ordered under this
   * `idempotencyKey`: asked from the second attempt of a round on, for what was ordered in an earlier one does not end it.
   */
  reconcile?: (context: StepContext<Config>) => Reconciliation | Promise<Reconciliation>;
  /**
   * `run` only asks: the step ends when somebody calls back with its `completionToken`. Nobody did within `timeoutMs`
   * (default a day): it failed. Retried by an operator, it is ordered anew, with a new token and a new `idempotencyKey`.
   */
  completion?: { timeoutMs?: number };
  /** The limit of one attempt. Default 30,000 ms. */
  timeoutMs?: number;
  retry?: RetryPolicy;
  /** Of `compensate`. */
  compensationRetry?: RetryPolicy;
}

/** A step that only writes to the store's own database: exactly once, since it commits with the run's checkpoint. */
export interface TransactionStep<Config = unknown> extends AnyStep {
  /** Runs in the checkpoint's transaction, and again after a deadlock. No call to anything else. */
  runInTransaction: (context: StepContext<Config> & { trx: StoreTransaction }) => unknown;
  /** Undoes it, in the transaction of the checkpoint that says so. */
  compensateInTransaction?: (context: CompensationContext<Config> & { trx: StoreTransaction }) => unknown;
  /** The limit of one attempt. Default 30,000 ms; a quarter of `leaseMs` at the most on SQLite and in memory. */
  timeoutMs?: number;
  retry?: RetryPolicy;
  compensationRetry?: RetryPolicy;
}

/** A step that people decide. A decision may come before the run has come to it. */
export interface ApprovalStep extends AnyStep {
  approval: {
    /** How many different people must approve. Default 1. One who rejects is enough to fail the step. */
    quorum?: number;
    /** Not approved by then, it failed. Default 30 days. */
    expiresInMs?: number;
    /** What is asked, for people. */
    message?: string;
  };
}

/** A step that lets time pass. */
export interface WaitStep<Config = unknown> extends AnyStep {
  /** How long, in ms. */
  waitMs: number | ((context: StepContext<Config>) => number | Promise<number>);
}

/** A step of a template. */
export type ServiceStep<Config = unknown> =
  ActionStep<Config> | TransactionStep<Config> | ApprovalStep | WaitStep<Config>;
