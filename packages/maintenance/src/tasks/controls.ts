import { z } from 'zod';

const most = 1_000_000_000;

/** What every task can be told, besides its own parameters; the engine heeds it, not the task. */
const controls = z.object({
  dryRun: z.boolean().default(false).describe('Say what a run would do, and change nothing'),
  maxRuntimeSeconds: z.number().min(1).max(604_800).optional().describe('End after the batch that is under way then'),
  maxItems: z.number().int().min(1).max(most).optional().describe('Clean no more rows, files or keys than this'),
  maxBatches: z.number().int().min(1).max(most).optional().describe('Do no more batches than this'),
});

/** @see controls */
export type Controls = Partial<z.output<typeof controls>>;

/** A task's parameters with the controls that every task has. */
export function withControls<Shape extends z.ZodRawShape>(parameters: z.ZodObject<Shape>) {
  return parameters.extend(controls.shape);
}
