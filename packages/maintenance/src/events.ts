import { z } from 'zod';
import { defineEvents } from '@dotmac/core';

const run = z.object({ runId: z.string(), task: z.string() });

/** What happens in maintenance. The subject is the run's id. */
export const maintenanceEvents = defineEvents('maintenance', {
  'maintenance.run_started': run.extend({ trigger: z.enum(['request', 'schedule', 'recovery']) }),
  'maintenance.run_completed': run.extend({
    status: z.enum(['completed', 'skipped', 'cancelled', 'needs_confirmation']),
    stopReason: z.string(),
    itemsProcessed: z.number(),
    itemsCleaned: z.number(),
    bytesFreed: z.number(),
    durationMs: z.number(),
  }),
  'maintenance.run_failed': run.extend({ code: z.string(), message: z.string() }),
});

/** The schemas of {@link maintenanceEvents}. */
export type MaintenanceEvents = typeof maintenanceEvents.schemas;
