import { isOperationError } from '@dotmac/core';
import { wireOf } from '@dotmac/core/contract';
import { z } from 'zod';
import { taskPlan, type TaskPlan } from '../tasks/plan.js';
import type { AnyMaintenanceTask, TaskReport } from '../tasks/task.js';
import { askedBy } from './confirmed.js';
import { stopReasons, type Run, type RunOutcome, type RunPulse, type StopReason } from './run.js';

const dryRunDetails = z.object({ dryRun: z.literal(true), planId: z.string().nullable(), plan: taskPlan });

const noSpace = { returnedBytes: 0, reusableBytes: 0, estimatedBytes: 0 };

/** What callers are told of ends that are not plain successes. */
const words: Partial<Record<StopReason, { code: string | null; message: string }>> = {
  busy: { code: null, message: 'Other runs were at everything it had to do.' },
  cancelled: { code: 'CANCELLED', message: 'The run was cancelled.' },
  stopped: { code: 'CANCELLED', message: 'The run was stopped.' },
  lease_lost: { code: 'LEASE_LOST', message: 'Another process took the run’s work over.' },
  abandoned: { code: 'ABANDONED', message: 'The process that ran it ended before the run did.' },
};
const unforeseen = { code: 'INTERNAL', message: 'The task failed unexpectedly; the log has the details.' };

/** A run that gave a report. */
export function reported(
  task: Pick<AnyMaintenanceTask, 'details'>,
  { space, details, skipped = false, overBudget = false, fault }: TaskReport<unknown>,
  stopReason: StopReason | null,
  pulse: RunPulse,
  returnedBytes: number,
  endedAt: number,
): RunOutcome {
  const reason = fault ? 'error' : (stopReason ?? (skipped ? 'busy' : overBudget ? 'items' : 'drained'));
  const rendered = wireOf(task.details).render(details) as RunOutcome['details'];
  const outcome = { ...ended(reason, pulse, endedAt), space: { ...noSpace, ...space }, details: rendered };
  if (!fault) return outcome;
  // The part that failed has no figures in the report, but for what its batches said.
  const known = { ...outcome.space, returnedBytes: Math.max(outcome.space.returnedBytes, returnedBytes) };
  return { ...outcome, space: known, errorCode: fault.code, errorMessage: fault.message };
}

/** A run that gave none, but for what its batches said. Only our own errors are worded for callers. */
export function broken(
  error: unknown,
  stopReason: StopReason,
  pulse: RunPulse,
  returnedBytes: number,
  endedAt: number,
): RunOutcome {
  const known = { space: { ...noSpace, returnedBytes }, details: askedBy(error) };
  const outcome = { ...ended(stopReason, pulse, endedAt), ...known };
  // What is ended in the middle of a step, because its time is up or the pressure lasts, has not failed.
  if (words[stopReason] || isOperationError(error, 'RUN_ENDED')) return outcome;
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

/** A dry run: what it looked at is what a run would clean. */
export function predicted({ planId }: Run, plan: TaskPlan, pulse: RunPulse, endedAt: number): RunOutcome {
  const items = plan.targets.reduce((sum, target) => sum + target.items, 0);
  const details = wireOf(dryRunDetails).render({ dryRun: true, planId, plan }) as RunOutcome['details'];
  return { ...ended('drained', pulse, endedAt), itemsProcessed: items, itemsCleaned: 0, details };
}
