import { defineEvents } from '@dotmac/core';
import { z } from 'zod';

const run = { runId: z.string(), task: z.string(), trigger: z.enum(['request', 'schedule']) };

/** What happens in maintenance. The subject of each event is the run's id. */
export const maintenanceEvents = defineEvents('maintenance', {
  'maintenance.run_started': z.object(run),
  'maintenance.run_completed': z.object({
    ...run,
    durationMs: z.number(),
    itemsProcessed: z.number(),
    itemsCleaned: z.number(),
    spaceFreedBytes: z.number(),
  }),
  'maintenance.run_failed': z.object({ ...run, status: z.enum(['failed', 'cancelled']), errorMessage: z.string() }),
  'maintenance.run_skipped': z.object({ ...run, reason: z.string() }),
});

/** @see maintenanceEvents */
export type MaintenanceEvents = typeof maintenanceEvents.schemas;
