import type { Leases } from '@dotmac/core';
import type { Database } from '@dotmac/core/kysely';
import type { KeptPlan } from '../plans/kept-plan.js';
import type { Run, RunOutcome, RunPulse, RunStatus } from '../runs/run.js';

/** Which runs a list has. */
export interface RunListing {
  limit: number;
  /** Runs older than the one of this id. */
  before?: string | undefined;
  task?: string | undefined;
  status?: RunStatus | undefined;
}

/** The runs of one tenant; ids of others' runs do not exist here. */
export interface TenantRuns {
  insert(run: Omit<Run, 'tenantId'>): Promise<void>;
  /** Ends a run that is `running`; false when it is not, any more. */
  finish(id: string, outcome: RunOutcome): Promise<boolean>;
  /**
   * Keeps how far a run is that is `running`; nothing when there is nothing new.
   * @returns true when the run is to be cancelled
   */
  pulse(id: string, pulse: RunPulse | null): Promise<boolean>;
  /** Notes that a run that is `running` is to be cancelled; false when it is not. */
  requestCancel(id: string, at: number): Promise<boolean>;
  /** True for one caller alone: the run `by` goes on from this one, which has ended. */
  claimResume(id: string, by: string): Promise<boolean>;
  get(id: string): Promise<Run | null>;
  /** The newest first. */
  list(listing: RunListing): Promise<Run[]>;
  /** How many runs are in each state; absent states have none. */
  countByStatus(): Promise<Partial<Record<RunStatus, number>>>;
}

/** The plans of one tenant. */
export interface TenantPlans {
  insert(plan: KeptPlan): Promise<void>;
  get(id: string): Promise<KeptPlan | null>;
  /** The newest first; those older than the one of the id `before`. */
  list(listing: { limit: number; before?: string | undefined }): Promise<KeptPlan[]>;
  /** True for one caller alone: the run `runId` applies it. */
  claim(id: string, runId: string): Promise<boolean>;
}

/** What maintenance keeps. */
export interface MaintenanceStore {
  /** Brings the tables up to date. */
  migrate(): Promise<void>;
  /** Who works on what, among all processes on this store. */
  readonly leases: Leases;
  /**
   * Does whoever was given `fence` still hold the lease of that key? Asked within a transaction of the store's own
   * database, nobody can take it over until that has ended.
   * @returns undefined when the transaction is one of another database
   */
  holdsLease(within: { database: Database; trx: unknown }, key: string, fence: number): Promise<boolean | undefined>;
  runs(tenantId: string): TenantRuns;
  plans(tenantId: string): TenantPlans;
  /** Runs of all tenants that are `running`, oldest first: for finding those whose process died. */
  runningRuns(limit: number): Promise<Run[]>;
  /** True for exactly one caller per tenant, schedule and slot, among all processes. */
  claimSlot(slot: { tenantId: string; schedule: string; slotAt: number }): Promise<boolean>;
  /** Removes ended runs, slots and plans from before `before`, of all tenants; how many runs. */
  prune(before: number): Promise<number>;
}
