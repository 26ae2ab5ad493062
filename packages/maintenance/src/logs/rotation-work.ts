import { describeError, isOperationError, type Clock, type Logger } from '@dotmac/core';
import type { OpenRoot } from '../files/root.js';
import type { Relief, Steps } from '../files/steps.js';
import type { CheckedLog } from '../policies/check-log.js';
import type { RotationOrders } from './orders.js';
import type { Patience } from './patience.js';

/** What is done to logs, part by part. */
export type RotationPart = 'rotate' | 'expire' | 'compress' | 'make_room';

/** What a rotation is given besides its orders. */
export interface RotationContext {
  clock: Pick<Clock, 'after'>;
  signal: AbortSignal;
  logger: Logger;
  /**
   * What logs are named by, epoch ms: a run that goes on from one of days ago must not name the youngest as the oldest. Default the
   * instant of the orders.
   */
  now?: () => number;
  /** Within long steps. Default: they wait for nothing. */
  relief?: Relief;
  /** Begins a part, of which so many were looked at already. */
  begin(part: RotationPart, planned: number, total: number, seen?: number): Promise<Steps>;
  /** Tells people. */
  note(message: string): void;
}

/** What was done in one directory. */
export interface RotationCounts {
  seen: number;
  rotated: number;
  compressed: number;
  deleted: number;
  /** Left uncompressed because they were still being written to. */
  growing: number;
  bytesFreed: number;
  /** Left alone: links, pipes, files of several names. */
  odd: number;
}

/** A hook or a file that went wrong; the others were worked on all the same. */
export interface RotationFault {
  what: 'before' | 'beforeRotate' | 'reopen' | 'afterRotate' | 'beforeRemove' | 'after' | 'file';
  error: unknown;
}

/** A rotation that is under way. */
export interface Work {
  root: OpenRoot;
  policy: CheckedLog;
  orders: RotationOrders;
  context: RotationContext;
  counts: RotationCounts;
  faults: RotationFault[];
  patience: Patience;
  /** So many calls of hooks were left out, for the run was to end. */
  leftOut: Map<RotationFault['what'], number>;
  /** No more is to be begun. */
  ended: boolean;
  /** The writers of what was moved may still be at it. */
  untold: boolean;
  /** So many rotated logs were to go whose names are, as it seems, other files' by now. */
  taken: number;
}

/** A writer in this process opens its file within it, or says that it cannot. */
const longestReopenMs = 60_000;

const isToEnd = ({ aborted, reason }: AbortSignal): boolean => aborted && isOperationError(reason, 'RUN_ENDED');

/**
 * Does a part, or calls a hook if there is one; past the time that hooks have once the run is to end, it is left out.
 * @returns false when it went wrong, said so, or was left out
 */
export async function attempt(work: Work, what: RotationFault['what'], act: () => unknown): Promise<boolean> {
  const { context, policy, faults, patience, leftOut } = work;
  const { signal } = context;
  const isThere = what === 'file' || (what === 'reopen' ? policy.reopen : policy.hooks[what]) !== undefined;
  if (!isThere) return true;
  if (what !== 'file' && patience.isOver && isToEnd(signal)) {
    work.ended = true;
    leftOut.set(what, (leftOut.get(what) ?? 0) + 1);
    return false;
  }
  const mostMs = what === 'reopen' ? longestReopenMs : undefined;
  try {
    // What is done to files looks at the signal itself, where it can be left.
    return (await (what === 'file' ? act() : patience.inTime(act, mostMs))) !== false;
  } catch (error) {
    if (signal.aborted && (what === 'file' || !isToEnd(signal))) throw error;
    // What is done by then is kept and told.
    work.ended ||= signal.aborted;
    if (signal.aborted && error === signal.reason) {
      context.note(`The hook ${what} of ${policy.name} is not waited for any more: the run was to end.`);
      return false;
    }
    context.logger.warn({ policy: policy.name, what, ...describeError(error) }, 'a part of a log rotation failed');
    faults.push({ what, error });
    return false;
  }
}

/**
 * Whether no more is to be begun, and what was done is to be told.
 * @throws the signal's reason when it is not that the run is to end
 */
export function isOver(work: Work): boolean {
  const { signal } = work.context;
  if (!work.ended && !isToEnd(signal)) signal.throwIfAborted();
  work.ended ||= signal.aborted;
  return work.ended;
}
