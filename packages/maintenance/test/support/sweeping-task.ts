import { z } from 'zod';
import { defineMaintenanceTask, planned } from '../../src/index.js';
import type { TaskScope } from '../../src/tasks/task.js';

/** Things that {@link sweepingTask} takes away, in their order. */
export interface Heap {
  items: number[];
  /** All that there are, those that stay with them. */
  total: number;
}

/** A task that takes the items of a heap in batches, and can be held up before each. */
export function sweepingTask(
  heap: Heap,
  {
    batch = 10,
    before = () => Promise.resolve(),
    scope = 'cluster',
  }: { batch?: number; before?: (batches: number) => Promise<void>; scope?: TaskScope } = {},
) {
  let batches = 0;
  return defineMaintenanceTask({
    type: 'sweep',
    name: 'Sweep',
    description: 'Takes items off a heap',
    scope,
    parameters: z.object({ keep: z.number().int().min(0).default(0) }),
    details: z.object({ left: z.number() }),
    plan: () =>
      Promise.resolve({
        targets: [
          planned(
            { target: 'heap', action: 'take', items: heap.items.length, total: heap.total, strategy: 'in order' },
            ['heap'],
          ),
        ],
        warnings: [],
      }),
    async run({ target, exclusively, note }, { keep }) {
      const progress = await target({ target: 'heap', planned: heap.items.length, total: heap.total });
      note(`begins at ${String(progress.cursor ?? 0)}`);
      const done = await exclusively('heap', async ({ signal, confirm }) => {
        for (;;) {
          await before((batches += 1));
          if (signal.aborted) return;
          await confirm();
          const taken = heap.items.splice(0, Math.min(batch, progress.remaining, heap.items.length - keep));
          if (!(await progress.advance({ cleaned: taken.length, bytes: taken.length, cursor: taken.at(-1) }))) return;
          if (taken.length < batch) return progress.done();
        }
      });
      return { skipped: done === null, space: { reusableBytes: 5 }, details: { left: heap.items.length } };
    },
  });
}

/** A heap of that many items, among others that stay. */
export const heapOf = (count: number, others = 0): Heap => ({
  items: Array.from({ length: count }, (_, index) => index + 1),
  total: count + others,
});
