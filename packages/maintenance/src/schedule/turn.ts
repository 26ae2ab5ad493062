import type { Clock, Logger } from '@dotmac/core';
import type { Run } from '../runs/run.js';
import type { Runner } from '../runs/runner.js';
import type { MaintenanceStore } from '../store/store.js';
import type { Failed } from './ending.js';
import type { PlannedPart } from './planned.js';
import type { Present } from './presence.js';
import type { Roster } from './roster.js';
import type { SlotKey } from './slot.js';

/** What slots are run with. */
export interface FireParts {
  store: MaintenanceStore;
  runner: Runner;
  roster: Pick<Roster, 'refresh' | 'get'>;
  clock: Clock;
  logger: Logger;
  leaseTtlMs: number;
  /** Aborts when the process stops: what the store has not taken by then is left to others. */
  leaving: AbortSignal;
}

/** A slot that this process has taken. */
export interface TakenSlot extends SlotKey {
  tenantId: string;
  present: Present;
  /** What others had done for it, when it was taken over from them. */
  before?: { attempts: number; failed?: Failed };
}

/** A run, and the schedule as it was when that began. */
export type Begun = Awaited<ReturnType<Runner['begin']>> & { planned: PlannedPart };
/** One of a slot's tries. */
export interface Turn {
  slot: TakenSlot;
  attempt: number;
  /** Its run before, that it goes on from. */
  failed?: Failed;
  /** A run of this try that is over before anything was done for it: it goes on from that. */
  undone?: Run;
}
