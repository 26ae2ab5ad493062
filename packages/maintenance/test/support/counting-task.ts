import { z } from 'zod';
import { defineMaintenanceTask, planned } from '../../src/index.js';

/** A task that counts its runs, and does `work` in each. */
export function countingTask(work: () => Promise<void> = async () => {}) {
  const counter = { runs: 0 };
  const task = defineMaintenanceTask({
    type: 'count',
    name: 'Count',
    description: 'Counts its runs',
    parameters: z.object({}),
    details: z.object({ runsSoFar: z.number() }),
    plan: () =>
      Promise.resolve({
        targets: [planned({ target: 'runs', action: 'count', items: 1, strategy: 'one more' }, {})],
        warnings: [],
      }),
    async run({ target }) {
      counter.runs += 1;
      const progress = await target({ target: 'runs', planned: 1, total: null });
      await work();
      await progress.advance({ seen: 1, cleaned: 0 });
      return { details: { runsSoFar: counter.runs } };
    },
  });
  return { counter, task };
}
