import { megabytes } from '../tasks/parameters.js';
import { isResumable, type Run } from './run.js';
import type { MaintenanceResult, MaintenanceRun } from './schemas.js';

/** A run as callers see it. */
export function resultOf(run: Run): MaintenanceResult {
  return {
    taskId: run.id,
    taskName: run.task,
    status: run.status,
    stopReason: run.stopReason,
    startTime: run.startedAt,
    endTime: run.endedAt,
    durationSeconds: run.endedAt === null ? null : Math.max(0, run.endedAt - run.startedAt) / 1000,
    itemsProcessed: run.itemsProcessed,
    itemsCleaned: run.itemsCleaned,
    spaceFreedMb: megabytes(run.space.returnedBytes),
    spaceReusableMb: megabytes(run.space.reusableBytes),
    spaceEstimatedMb: megabytes(run.space.estimatedBytes),
    errorMessage: run.errorMessage,
    resumable: isResumable(run),
    progress: run.progress,
    details: run.details,
  };
}

/** A run with all that is kept of it. */
export function runViewOf(run: Run): MaintenanceRun {
  const { trigger, schedule, actor, parameters, dryRun, planId, resumes, resumedBy, log } = run;
  return { ...resultOf(run), trigger, schedule, actor, parameters, dryRun, planId, resumes, resumedBy, log };
}
