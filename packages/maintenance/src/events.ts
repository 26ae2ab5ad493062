import { z } from 'zod';
import { defineEvents } from '@dotmac/core';

const run = z.object({ runId: z.string(), task: z.string() });

const ended = run.extend({
  dryRun: z.boolean(),
  stopReason: z.string(),
  itemsProcessed: z.number(),
  itemsCleaned: z.number(),
  bytesFreed: z.number(),
  durationMs: z.number(),
});

/** What happens in maintenance. The subject is the run's id. */
export const maintenanceEvents = defineEvents('maintenance', {
  'maintenance.run_started': run.extend({
    trigger: z.enum(['request', 'schedule', 'recovery']),
    /** How late it began, of a schedule's slot. Ms. */
    lagMs: z.number().nullable(),
  }),
  'maintenance.run_completed': ended.extend({
    status: z.enum(['completed', 'skipped', 'cancelled', 'needs_confirmation']),
    bytesReusable: z.number(),
    bytesEstimated: z.number(),
  }),
  'maintenance.run_failed': ended.extend({ code: z.string(), message: z.string() }),
});

/** The schemas of {@link maintenanceEvents}. */
export type MaintenanceEvents = typeof maintenanceEvents.schemas;
