import type { Leases } from '@dotmac/core';
import type { Run, RunOutcome, RunStatus } from '../runs/run.js';

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
  get(id: string): Promise<Run | null>;
  /** The newest first. */
  list(listing: RunListing): Promise<Run[]>;
  /** How many runs are in each state; absent states have none. */
  countByStatus(): Promise<Partial<Record<RunStatus, number>>>;
}

/** What maintenance keeps. */
export interface MaintenanceStore {
  /** Brings the tables up to date. */
  migrate(): Promise<void>;
  /** Who works on what, among all processes on this store. */
  readonly leases: Leases;
  runs(tenantId: string): TenantRuns;
  /** Runs of all tenants that are `running`, oldest first: for finding those whose process died. */
  runningRuns(limit: number): Promise<Run[]>;
  /** True for exactly one caller per tenant, schedule and slot, among all processes. */
  claimSlot(slot: { tenantId: string; schedule: string; slotAt: number }): Promise<boolean>;
  /** Removes ended runs and slots from before `before`, of all tenants; how many runs. */
  prune(before: number): Promise<number>;
}
