import { megabytes } from '../tasks/parameters.js';
import type { Run } from './run.js';
import type { MaintenanceResult } from './schemas.js';

/** A run as callers see it. */
export function resultOf(run: Run): MaintenanceResult {
  return {
    taskId: run.id,
    taskName: run.task,
    status: run.status,
    startTime: run.startedAt,
    endTime: run.endedAt,
    durationSeconds: run.endedAt === null ? null : Math.max(0, run.endedAt - run.startedAt) / 1000,
    itemsProcessed: run.itemsProcessed,
    itemsCleaned: run.itemsCleaned,
    spaceFreedMb: megabytes(run.bytesFreed),
    errorMessage: run.errorMessage,
    details: run.details,
  };
}
