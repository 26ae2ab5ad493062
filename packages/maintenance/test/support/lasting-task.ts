import { z } from 'zod';
import { defineMaintenanceTask, type TaskContext } from '../../src/index.js';

/** A task each of whose runs lasts until it is let go, or fails; in the order of their beginning. */
export function lastingTask(scope: 'process' | 'host' | 'cluster' = 'cluster') {
  const runs: { end(error?: Error): void; context: TaskContext }[] = [];
  const task = defineMaintenanceTask({
    type: 'last',
    name: 'Last',
    description: 'Lasts until it is let go',
    scope,
    parameters: z.object({ depth: z.number().int().max(9).default(1) }),
    details: z.object({}),
    plan: () => Promise.resolve({ targets: [], warnings: [] }),
    run: (context) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => (error ? reject(error) : resolve({ details: {} }));
        context.signal.addEventListener('abort', () => reject(context.signal.reason as Error), { once: true });
        runs.push({ end, context });
      }),
  });
  return { runs, task };
}
