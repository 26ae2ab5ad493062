import { z } from 'zod';
import { freeForm, wireJsonSchema } from '@dotmac/core/contract';
import type { AnyMaintenanceTask } from './task.js';

/** The tasks, with what each takes. */
export const taskCatalogue = z
  .object({
    items: z.array(
      z.object({
        type: z.string(),
        name: z.string(),
        description: z.string(),
        scope: z.enum(['cluster', 'host', 'process']).describe('Whose things a run works on'),
        parameters: freeForm.describe('The JSON Schema of `parameters`'),
      }),
    ),
  })
  .meta({ id: 'MaintenanceTaskCatalogue' });

/** @see taskCatalogue */
export type TaskCatalogue = z.output<typeof taskCatalogue>;

/** Describes every task. */
export function catalogueOf(tasks: ReadonlyMap<string, AnyMaintenanceTask>): TaskCatalogue {
  const items = [...tasks.values()].map(({ type, name, description, scope, parameters }) => {
    return { type, name, description, scope, parameters: wireJsonSchema(parameters) };
  });
  return { items };
}
