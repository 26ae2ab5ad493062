import type { Space } from '../tasks/space.js';

/** The states of a run. */
export const runStatuses = ['running', 'completed', 'failed', 'cancelled', 'skipped', 'needs_confirmation'] as const;

/** @see runStatuses */
export type RunStatus = (typeof runStatuses)[number];

/** Why a run ended, and what its state is then. */
export const stopReasons = {
  /** Nothing was left to do. */
  drained: 'completed',
  /** A budget was used up. */
  time: 'completed',
  items: 'completed',
  batches: 'completed',
  /** The window in which it may run has closed. */
  window: 'completed',
  /** The application was under pressure for too long. */
  pressure: 'completed',
  cancelled: 'cancelled',
  /** The process was stopped. */
  stopped: 'cancelled',
  /** The process died. */
  abandoned: 'failed',
  lease_lost: 'failed',
  error: 'failed',
  /** Other runs held all of it. */
  busy: 'skipped',
  /** More would have gone than may go unasked. */
  unconfirmed: 'needs_confirmation',
} as const satisfies Record<string, RunStatus>;

/** @see stopReasons */
export type StopReason = keyof typeof stopReasons;

/** After these a run that goes on where this one ended makes sense. */
const resumable: readonly StopReason[] = [
  'time',
  'items',
  'batches',
  'window',
  'pressure',
  'cancelled',
  'stopped',
  'abandoned',
  'lease_lost',
  'error',
];

/** How long a run has waited for one signal of pressure. */
export interface RunPause {
  signal: string;
  unit: string;
  /** How often it began to wait. */
  times: number;
  seconds: number;
  /** The highest figure that it was seen at; null when there was none, or no end to it. */
  worst: number | null;
}

/** How far one target of a run is, and how long it took so far. */
export interface TargetPace {
  target: string;
  /** Items that are to go; null while that is not known. */
  planned: number | null;
  /** Looked at in its batches. */
  seen: number;
  /** Of these, done with: they went, or stay for good. */
  settled: number;
  /** Returned to the system, as far as its batches said. */
  bytes: number;
  /** Of work: those in which it waited under pressure are left out. */
  seconds: number;
}

/** How far a run is. */
export interface RunProgress {
  state: 'working' | 'paused';
  /** The signals of pressure that it waits for. */
  pausedBy: string[];
  /** Signals that it has waited for up to now. */
  pauses: RunPause[];
  /** What it is at. */
  target: string | null;
  /** Items that are to go, of all targets, those to come with them; null while those of any are not known. */
  planned: number | null;
  seen: number;
  cleaned: number;
  batches: number;
  /** Of the time since it began. */
  itemsPerSecond: number;
  /**
   * How long the work on all targets takes yet, at the pace since the first was begun; null when it cannot be said. Pauses
   * under pressure are neither in that pace nor foreseen: with them it takes longer.
   */
  etaSeconds: number | null;
  /** Those that were begun; at most 100. */
  targets: TargetPace[];
  /** While the run is under way, no more than about a minute ago, whether or not anything is new. Epoch ms. */
  updatedAt: number;
}

/** A line of a run's log. */
export interface LogLine {
  /** Epoch ms. */
  at: number;
  message: string;
}

/** Where a run is with each of its targets: what one that resumes it begins with. */
export type Cursors = Record<string, { cursor?: unknown; done?: true }>;

/** One execution of a task, as stores keep it. */
export interface Run {
  /** UUIDv7: newer runs have greater ids. */
  id: string;
  tenantId: string;
  /** The type of its task. */
  task: string;
  /** The machine or process whose things it works on; empty when all processes share them. */
  scopeId: string;
  trigger: 'request' | 'schedule' | 'recovery';
  /** The schedule that began it. */
  schedule: string | null;
  actor: string;
  /** In wire form, as it was begun. */
  parameters: Record<string, unknown>;
  dryRun: boolean;
  /** The plan that it applies, or that a dry run makes. */
  planId: string | null;
  /** The instant that ages are counted from. Epoch ms. */
  asOf: number;
  /** Somebody confirmed that more may go than may go unasked: of what the runs asked for that it goes on from, or of a plan. */
  confirmed: boolean;
  /** The run that it goes on from. */
  resumes: string | null;
  /** The run that goes on from it. */
  resumedBy: string | null;
  status: RunStatus;
  stopReason: StopReason | null;
  cancelRequestedAt: number | null;
  /** Epoch ms. */
  startedAt: number;
  endedAt: number | null;
  itemsProcessed: number;
  itemsCleaned: number;
  space: Space;
  errorCode: string | null;
  /** Safe to show to the tenant. */
  errorMessage: string | null;
  progress: RunProgress | null;
  cursors: Cursors;
  log: LogLine[];
  /** In wire form. */
  details: Record<string, unknown>;
}

/** What a run that is under way has to say of itself. */
export type RunPulse = Pick<Run, 'itemsProcessed' | 'itemsCleaned' | 'progress' | 'cursors' | 'log'>;

/** What ends a run. */
export type RunOutcome = RunPulse &
  Pick<Run, 'status' | 'space' | 'errorCode' | 'errorMessage' | 'details'> & {
    stopReason: StopReason;
    endedAt: number;
  };

/** Does it apply a plan, and not make one, or go on from another that did? */
export function appliesPlan<Some extends Pick<Run, 'dryRun' | 'planId' | 'resumes'>>(
  run: Some,
): run is Some & { planId: string } {
  return !run.dryRun && run.planId !== null && run.resumes === null;
}

/** When the process of a run last told of it: while the run is under way, at least once a minute. Epoch ms. */
export const lastSignOf = ({ progress, startedAt }: Run): number => progress?.updatedAt ?? startedAt;

/** Can a run go on from where this one ended? */
export function isResumable({ stopReason, dryRun, resumedBy }: Run): boolean {
  return !dryRun && resumedBy === null && stopReason !== null && resumable.includes(stopReason);
}
