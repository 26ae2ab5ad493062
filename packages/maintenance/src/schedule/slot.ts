/** What became of slots, and what is said of it. */
export const slotOutcomes = {
  waiting: 'It was taken, and is to begin.',
  running: 'Its run is under way.',
  retrying: 'Its run failed, or was broken off, and is to begin again.',
  completed: 'Its run completed.',
  failed: 'Its run failed.',
  timed_out: 'Its run took longer than it may, and was cancelled.',
  cancelled: 'Its run was cancelled.',
  skipped: 'Its run had nothing to do: others were at all of it.',
  needs_confirmation:
    'Its run would have cleaned more than may go unasked, and waits for a confirmation: POST /infrastructure-maintenance/runs/{id}/confirm.',
  refused: 'Its run could not begin.',
  overlap: 'Another run of its task was at it.',
  paused: 'The schedule was paused.',
  outside_window: 'It lay outside of the windows in which the schedule may begin.',
  grace_passed: 'Nobody was there when it came due, and its grace had passed when somebody was.',
  superseded: 'A later slot was due too, and ran for it.',
  abandoned: 'The process that had taken it died.',
} as const;

/** @see slotOutcomes */
export type SlotOutcome = keyof typeof slotOutcomes;

/** Somebody is at these, or is to take them over. */
export const openOutcomes = ['waiting', 'running', 'retrying'] as const satisfies SlotOutcome[];
/** Of these no run is under way: another process may take them over from one that is gone. */
export const waitingOutcomes = ['waiting', 'retrying'] as const satisfies (typeof openOutcomes)[number][];

/** Names a slot among those of its tenant. */
export interface SlotKey {
  schedule: string;
  /** The machine or process whose slot it is; empty when all processes share it. */
  scopeId: string;
  /** Epoch ms. */
  slotAt: number;
}

/** Do two tell of one slot? */
export const isSameSlot = (a: SlotKey & { tenantId: string }, b: SlotKey & { tenantId: string }): boolean =>
  a.tenantId === b.tenantId && a.schedule === b.schedule && a.scopeId === b.scopeId && a.slotAt === b.slotAt;

/** A line of the ledger of slots: each slot that came due has one, which is what makes it run once. */
export interface SlotRecord extends SlotKey {
  tenantId: string;
  outcome: SlotOutcome;
  /** The process that took it, the last of several. */
  instance: string;
  /** The last of its runs. */
  runId: string | null;
  /** Runs that were begun for it. */
  attempts: number;
  /** When that process took it. Epoch ms. */
  claimedAt: number;
  /** When it was closed; of one that is open, when its process was stopped or died, and left it to others. Epoch ms. */
  endedAt: number | null;
  /** Safe to show to the tenant. */
  message: string | null;
  /** When the slot after it comes due, its own time where none does. Until then its line says which was the last. Epoch ms. */
  nextAt: number;
}

/** A slot that a run is begun for. */
export interface SlotTurn extends SlotKey {
  /** The process that took it. */
  instance: string;
  /** Which of its runs this is, from 1. */
  attempts: number;
}

/** What changes of a slot. */
export type SlotChange = Partial<Pick<SlotRecord, 'outcome' | 'runId' | 'attempts' | 'endedAt' | 'message'>>;

/** What others change of a slot that waits: whose it is, or how it ends. */
export type LeftSlotChange = Partial<Pick<SlotRecord, 'outcome' | 'instance' | 'claimedAt' | 'endedAt' | 'message'>>;
