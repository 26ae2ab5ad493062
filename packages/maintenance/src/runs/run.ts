import { freeForm, instant } from '@dotmac/core/contract';
import { z } from 'zod';

/** How a run can stand. `skipped`: a schedule's slot came while the task was still running. */
export const runStatuses = ['running', 'completed', 'failed', 'cancelled', 'skipped'] as const;

/** @see runStatuses */
export type RunStatus = (typeof runStatuses)[number];

/** 1 MB on the wire is 1,048,576 bytes. */
export const bytesPerMb = 1_048_576;

/** What one execution of a task did: the answer of every route that runs one. */
export const maintenanceResult = z
  .object({
    taskId: z.string().describe("The run's id"),
    taskName: z.string(),
    maintenanceType: z.string(),
    status: z.enum(runStatuses),
    startTime: instant,
    endTime: instant.nullable(),
    durationSeconds: z.number(),
    itemsProcessed: z.int().describe('Things looked at: due rows, files, keys, tables'),
    itemsCleaned: z
      .int()
      .describe('Things removed, rotated, compressed or rebuilt; in a dry run, what would have been'),
    spaceFreedMb: z.number().describe('Given back to the system, measured; 1 MB is 1,048,576 bytes'),
    errorMessage: z.string().nullable(),
    details: freeForm.describe('What the task says besides; each task has its own'),
  })
  .meta({ id: 'MaintenanceResult' });

/** @see maintenanceResult */
export type MaintenanceResult = z.output<typeof maintenanceResult>;

/** A run as it is kept. Times are epoch ms. */
export interface Run {
  id: string;
  tenantId: string;
  task: string;
  status: RunStatus;
  trigger: 'request' | 'schedule';
  /** The schedule and its slot, when one set the run off. */
  schedule: string | null;
  slotAt: number | null;
  actor: string;
  startedAt: number;
  endedAt: number | null;
  itemsProcessed: number;
  itemsCleaned: number;
  spaceFreedBytes: number;
  errorMessage: string | null;
  /** In wire names. */
  details: Record<string, unknown>;
  /** The process that runs it, and the fence of its lease. */
  worker: string;
  fence: number;
}

/** A run's figures. */
export type RunFigures = Pick<Run, 'itemsProcessed' | 'itemsCleaned' | 'spaceFreedBytes'>;

/** A run as callers see it; what still runs is measured until `now`. */
export function resultOf(run: Run, taskName: string, now: number): MaintenanceResult {
  const durationMs = Math.max(0, (run.endedAt ?? now) - run.startedAt);
  return {
    taskId: run.id,
    taskName,
    maintenanceType: run.task,
    status: run.status,
    startTime: run.startedAt,
    endTime: run.endedAt,
    durationSeconds: durationMs / 1_000,
    itemsProcessed: run.itemsProcessed,
    itemsCleaned: run.itemsCleaned,
    spaceFreedMb: megabytes(run.spaceFreedBytes),
    errorMessage: run.errorMessage,
    details: run.details,
  };
}

/** Bytes in MB, to the byte. */
export function megabytes(bytes: number): number {
  return Math.round((bytes / bytesPerMb) * 1e6) / 1e6;
}
