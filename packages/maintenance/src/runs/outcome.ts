import { noSpace } from '../tasks/space.js';
import { isOperationError } from '@dotmac/core';
import { wireOf } from '@dotmac/core/contract';
import { z } from 'zod';
import { maintenanceErrors } from '../errors.js';
import { taskPlan, type TaskPlan } from '../tasks/plan.js';
import type { AnyMaintenanceTask, TaskReport } from '../tasks/task.js';
import type { Asked } from './confirmed.js';
import { stopReasons, type Run, type RunOutcome, type RunPulse, type StopReason } from './run.js';

const dryRunDetails = z.object({ dryRun: z.literal(true), planId: z.string().nullable(), plan: taskPlan });

/** What callers are told of ends that are not plain successes. */
const words: Partial<Record<StopReason, { code: string | null; message: string }>> = {
  busy: { code: null, message: 'Other runs were at everything it had to do.' },
  cancelled: { code: 'CANCELLED', message: 'The run was cancelled.' },
  stopped: { code: 'CANCELLED', message: 'The run was stopped.' },
  lease_lost: { code: 'LEASE_LOST', message: 'Another process took the run’s work over.' },
  abandoned: { code: 'ABANDONED', message: 'The process that ran it ended before the run did.' },
};
const unforeseen = { code: 'INTERNAL', message: 'The task failed unexpectedly; the log has the details.' };

/** A text that names a run by `{id}`, of one that is known. */
export const ofRun = (text: string, id: string | null): string => (id === null ? text : text.replace('{id}', id));

/** What a run says of what it asks for: of the first. The others are in its details. */
function asking({ runId, asked }: Asking): { code: string; message: string } | undefined {
  const [first, ...others] = asked;
  if (!first) return undefined;
  const { code, message, hint = '' } = maintenanceErrors.CONFIRMATION_NEEDED(first);
  const more = others.length === 1 ? ' Another target waits, too.' : ` ${others.length} more targets wait, too.`;
  return { code, message: `${message}${others.length === 0 ? '' : more} ${ofRun(hint, runId)}` };
}
const askedDetails = (asked: readonly Asked[]): RunOutcome['details'] =>
  asked.length > 0 ? { asked: [...asked] } : {};

/** What would have gone, and waits to be confirmed. */
interface Asking {
  runId: string;
  asked: readonly Asked[];
}

/** How a run came to its end. */
export interface RunEnd extends Asking {
  /** Why it ended before its work was done; null when nothing but that ended it. */
  stopReason: StopReason | null;
  /** What it has to say of itself. */
  pulse: RunPulse;
  /** What was given back to the system, as its batches said. */
  returnedBytes: number;
  endedAt: number;
}

/** A run that gave a report. */
export function reported(
  task: Pick<AnyMaintenanceTask, 'details'>,
  { space, details, skipped = false, overBudget = false, fault }: TaskReport<unknown>,
  end: RunEnd,
): RunOutcome {
  const { stopReason, returnedBytes, asked } = end;
  const reason = fault ? 'error' : (stopReason ?? (skipped ? 'busy' : overBudget ? 'items' : 'drained'));
  const rendered = wireOf(task.details).render(details) as RunOutcome['details'];
  const known = { space: { ...noSpace, ...space }, details: { ...rendered, ...askedDetails(asked) } };
  const outcome = { ...endedBy(reason, end), ...known };
  if (!fault) return outcome;
  // The part that failed has no figures in the report, but for what its batches said.
  const measured = { ...outcome.space, returnedBytes: Math.max(outcome.space.returnedBytes, returnedBytes) };
  return { ...outcome, space: measured, errorCode: fault.code, errorMessage: fault.message };
}

/** A run that gave none, but for what its batches said. Only our own errors are worded for callers. */
export function broken(error: unknown, end: RunEnd): RunOutcome {
  const { stopReason, returnedBytes, asked } = end;
  const reason = stopReason ?? 'error';
  const known = { space: { ...noSpace, returnedBytes }, details: askedDetails(asked) };
  const outcome = { ...endedBy(reason, end), ...known };
  // What is ended in the middle of a step, because its time is up or the pressure lasts, has not failed.
  if (outcome.errorMessage !== null || isOperationError(error, 'RUN_ENDED')) return outcome;
  const { code, message } = isOperationError(error) ? error : unforeseen;
  return { ...outcome, errorCode: code, errorMessage: message };
}

/** A run that ended for that reason, with nothing to show but its counts. */
export function ended(stopReason: StopReason, pulse: RunPulse, endedAt: number): RunOutcome {
  const { code = null, message = null } = words[stopReason] ?? {};
  const { itemsProcessed, itemsCleaned, progress, cursors, log } = pulse;
  return {
    itemsProcessed,
    itemsCleaned,
    progress,
    cursors,
    log,
    status: stopReasons[stopReason],
    stopReason,
    endedAt,
    space: noSpace,
    errorCode: code,
    errorMessage: message,
    details: {},
  };
}

/** The same, of one that may have asked for something. */
function endedBy(stopReason: StopReason, end: RunEnd): RunOutcome {
  const outcome = ended(stopReason, end.pulse, end.endedAt);
  const said = stopReason === 'unconfirmed' ? asking(end) : undefined;
  return said ? { ...outcome, errorCode: said.code, errorMessage: said.message } : outcome;
}

/** A dry run: what it looked at is what a run would clean. */
export function predicted({ planId }: Run, plan: TaskPlan, { pulse, endedAt }: RunEnd): RunOutcome {
  const items = plan.targets.reduce((sum, target) => sum + target.items, 0);
  const details = wireOf(dryRunDetails).render({ dryRun: true, planId, plan }) as RunOutcome['details'];
  return { ...ended('drained', pulse, endedAt), itemsProcessed: items, itemsCleaned: 0, details };
}
