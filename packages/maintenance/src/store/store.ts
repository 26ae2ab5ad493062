import type { Clock, Leases } from '@dotmac/core';
import type { Database } from '@dotmac/core/kysely';
import type { KeptPlan } from '../plans/kept-plan.js';
import type { KeptSchedule, ScheduleRecord } from '../schedule/schedule.js';
import type { LeftSlotChange, SlotChange, SlotKey, SlotRecord, SlotTurn } from '../schedule/slot.js';
import type { RunTally } from '../reports/tally.js';
import type { Fencing } from './fencing.js';
import type { Run, RunOutcome, RunPulse, RunStatus } from '../runs/run.js';

/** Which runs a list has. */
export interface RunListing {
  limit: number;
  /** Runs older than the one of this id. */
  before?: string | undefined;
  task?: string | undefined;
  /** Only those of that machine or process. */
  scopeId?: string | undefined;
  status?: RunStatus | undefined;
  /** Dry runs left out. Default false. */
  applied?: boolean | undefined;
  /** Without `details` and `log`, which may be long: they are empty then. Default false. */
  brief?: boolean | undefined;
}

/** The runs of one tenant; ids of others' runs do not exist here. */
export interface TenantRuns {
  /**
   * Keeps a run that begins; with it, all or nothing, it takes what is one run's alone: the run that it goes on from,
   * which has ended, or else the plan that it applies; and the slot that it is for, which is open and that process's: it
   * is `running` then, and names the run.
   * @returns false, and nothing is kept, when another run has that, or it is not there
   */
  insert(run: Omit<Run, 'tenantId'>, slot?: SlotTurn): Promise<boolean>;
  /** Ends a run that is `running`; false when it is not, any more. */
  finish(id: string, outcome: RunOutcome): Promise<boolean>;
  /**
   * Keeps how far a run is that is `running`; nothing when there is nothing new.
   * @returns true when the run is to be cancelled
   */
  pulse(id: string, pulse: RunPulse | null): Promise<boolean>;
  /** Notes that a run that is `running` is to be cancelled; false when it is not. */
  requestCancel(id: string, at: number): Promise<boolean>;
  get(id: string): Promise<Run | null>;
  /** The newest first. */
  list(listing: RunListing): Promise<Run[]>;
  /** The ended runs that began from `from` to before `to` (epoch ms), summed by task, day of UTC and state; dry runs left out. */
  tallies(period: { from: number; to: number }): Promise<RunTally[]>;
  /** How many runs are in each state; absent states have none. */
  countByStatus(): Promise<Partial<Record<RunStatus, number>>>;
}

/** The plans of one tenant. */
export interface TenantPlans {
  insert(plan: KeptPlan): Promise<void>;
  get(id: string): Promise<KeptPlan | null>;
  /** The newest first; those older than the one of the id `before`. */
  list(listing: { limit: number; before?: string | undefined }): Promise<KeptPlan[]>;
}

/** The schedules of one tenant. */
export interface TenantSchedules {
  get(name: string): Promise<KeptSchedule | null>;
  /** In the order of their names; those after the name `after`. Without those that are in code. */
  list(listing: { limit: number; after?: string | undefined }): Promise<KeptSchedule[]>;
  /** Those in code that were paused or resumed. */
  inCode(): Promise<KeptSchedule[]>;
  /**
   * Makes, changes or (by `deletedAt`) removes a schedule: one change at a time, of all tenants and processes.
   * @param change given the schedule as it is, and how many the tenant has besides those in code; may be asked again,
   * and what it throws undoes everything
   */
  write(name: string, change: (known: KeptSchedule | null, count: number) => ScheduleRecord): Promise<KeptSchedule>;
}

/** The ledger of one tenant's slots. */
export interface TenantSlots {
  /** True for exactly one caller per slot, among all processes. */
  claim(slot: Omit<SlotRecord, 'tenantId'>): Promise<boolean>;
  /** Changes a slot that is open and that process's; false when it is not, any more. */
  change(key: SlotKey, instance: string, change: SlotChange): Promise<boolean>;
  /**
   * Changes a slot whose process is gone, as long as it waits (`waiting`, `retrying`) and its outcome, instance, attempts and end are those
   * that somebody has `seen`; false when they are not, any more. So one of many takes it over, and nobody once a run was begun for it.
   */
  changeLeft(seen: SlotRecord, change: LeftSlotChange): Promise<boolean>;
  /** What is known of one slot, of all scopes. */
  at(schedule: string, slotAt: number): Promise<SlotRecord[]>;
  /** The last slot of a schedule and scope, of those until `until` (epoch ms): others were taken by a clock that was fast. */
  latest(schedule: string, scopeId: string, until: number): Promise<number | null>;
  /** The newest first, those of one instant by scope; those that come after `after` in this order. */
  list(listing: {
    schedule: string;
    limit: number;
    after?: Pick<SlotKey, 'slotAt' | 'scopeId'> | undefined;
  }): Promise<SlotRecord[]>;
}

/** How old rows are removed. */
export interface Pruning {
  clock: Clock;
  /** Looked at between batches: ends the work there. */
  signal: AbortSignal;
  /** Asked in every batch's transaction, last before the commit; what it throws rolls back. */
  confirm(within?: { database: Database; trx: unknown }): Promise<void>;
}

/** What maintenance keeps. Where it cannot be reached it throws STORE_UNAVAILABLE: what cannot wait for another time is asked again then. */
export interface MaintenanceStore {
  /** Brings the tables up to date. */
  migrate(): Promise<void>;
  /** For who migrates apart. @throws SCHEMA_TOO_OLD, SCHEMA_TOO_NEW when the tables are not those of this version */
  checkMigrated(): Promise<void>;
  /** Who works on what, among all processes on this store. */
  readonly leases: Leases;
  /**
   * Does whoever was given `fence` still hold the lease of that key? Asked within a transaction of the store's own
   * database, nobody can take it over until that has ended.
   * @returns undefined when the transaction is one of another database
   */
  holdsLease(within: { database: Database; trx: unknown }, key: string, fence: number): Promise<boolean | undefined>;
  /** What {@link MaintenanceStore.holdsLease} is worth to who writes to that database. */
  fencing(database: Database): Fencing;
  runs(tenantId: string): TenantRuns;
  plans(tenantId: string): TenantPlans;
  /** Runs of all tenants that are `running`, oldest first: for finding those whose process died. */
  runningRuns(limit: number): Promise<Run[]>;
  /**
   * Runs of all tenants that have ended since `since` (epoch ms) because their process was stopped, and with which nobody has gone on;
   * oldest first.
   */
  stoppedRuns(since: number, limit: number): Promise<Run[]>;
  schedules(tenantId: string): TenantSchedules;
  /** The greatest revision there is. */
  scheduleRevision(): Promise<number>;
  /** Schedules of all tenants with a greater revision, in their order; those that were removed too. */
  schedulesSince(revision: number, limit: number): Promise<KeptSchedule[]>;
  slots(tenantId: string): TenantSlots;
  /** Slots of all tenants that somebody is at: for finding those whose process died. */
  openSlots(limit: number): Promise<SlotRecord[]>;
  /**
   * Removes ended runs, slots, plans and what is left of removed schedules from before `before`, of all tenants; in batches
   * that leave the database to others in between. A slot goes once the one after it is old, too. Leases that nobody has had for a quarter of a year are forgotten, where
   * they are kept: their names are those of machines and processes, which are new ones after every deployment.
   * @returns how many went, leases aside
   */
  prune(before: number, pruning: Pruning): Promise<number>;
}
