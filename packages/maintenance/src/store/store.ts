import type { Leases } from '@dotmac/core';
import type { Run, RunFigures } from '../runs/run.js';

export type { RunFigures };

/** How a run ended. */
export interface RunEnd extends RunFigures {
  status: 'completed' | 'failed' | 'cancelled';
  endedAt: number;
  errorMessage: string | null;
  details: Record<string, unknown>;
}

/** Where a list of runs goes on. */
export interface RunQuery {
  limit: number;
  /** Only runs with a smaller id, newest first; ids are in the order of time. */
  before?: string | undefined;
  task?: string | undefined;
}

/** One tenant's runs. No method sees or changes another tenant's. */
export interface RunStore {
  /** Keeps a new run. Ids are unique; that a task runs once at a time is the lease's doing, not this method's. */
  insert(run: Run): Promise<void>;
  get(id: string): Promise<Run | undefined>;
  /** Newest first. */
  list(query: RunQuery): Promise<Run[]>;
  /** All with status `running`, oldest first, at most 100. */
  running(): Promise<Run[]>;
  /** Keeps figures so far; does nothing once the run has ended. */
  progress(id: string, figures: RunFigures): Promise<void>;
  /** Ends a run that is `running`; false when it is not (any more), and then nothing is changed. */
  finish(id: string, end: RunEnd): Promise<boolean>;
  /** Sums over all runs kept that ended. */
  totals(): Promise<RunTotals>;
  /**
   * Takes a schedule's slot: true for exactly one caller ever, over all processes. Slots before `forgetBefore` are
   * forgotten on the way.
   */
  claimSlot(schedule: string, slotAt: number, forgetBefore: number): Promise<boolean>;
}

/** Sums over a tenant's ended runs. */
export interface RunTotals {
  completed: number;
  failed: number;
  itemsCleaned: number;
  spaceFreedBytes: number;
  lastEndedAt: number | null;
}

/** What @dotmac/maintenance keeps. */
export interface MaintenanceStore {
  /** The runs of one tenant. */
  tenant(tenantId: string): RunStore;
  /** Of all tenants: runs with status `running`, oldest first. For recovery after a crash. */
  runningAcrossTenants(limit: number): Promise<Run[]>;
  /** Of all tenants: deletes up to `limit` runs that ended before; returns how many. */
  forgetRunsAcrossTenants(endedBefore: number, limit: number): Promise<number>;
  /** That a task runs once at a time, over all processes on this store. */
  readonly leases: Leases;
  /** Creates or updates the tables; nothing to do in memory. Safe to call from many processes at once. */
  migrate(): Promise<void>;
}
