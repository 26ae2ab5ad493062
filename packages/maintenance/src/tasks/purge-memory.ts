import { pruneMemory } from '../caches/memory.js';
import type { MemoryCachePolicy } from '../policies/policy.js';
import { defaultRates, msFor } from './default-rates.js';
import { planned, type PlannedTarget } from './plan.js';
import type { PurgeReport } from './purge-report.js';
import type { TaskContext } from './task.js';

/** What would go of one policy's cache; how much of it is stale, it says only by letting it go. */
export function planMemory({ name, memory, remove = 'stale' }: MemoryCachePolicy): PlannedTarget {
  const { size } = memory();
  const strategy = remove === 'all' ? 'everything goes' : 'entries that have expired go; at most these';
  return planned(
    {
      ...{
        target: `memory:${name}`,
        action: 'delete',
        items: size,
        exact: remove === 'all',
        total: size,
        toSee: size,
        strategy,
      },
      estimatedMs: msFor(size, defaultRates.entries),
    },
    remove,
  );
}

/** Prunes one policy's cache, of the process that runs this. */
export async function purgeMemory(context: TaskContext, policy: MemoryCachePolicy): Promise<PurgeReport> {
  const { name, memory, remove = 'stale' } = policy;
  const progress = await context.target({ target: `memory:${name}`, planned: null, total: null });
  const { seen, removed } = pruneMemory(memory(), remove);
  await progress.advance({ seen, cleaned: removed });
  return { policy: name, kind: 'memory', outcome: 'done', seen, removed, bytes: 0, bytesApproximate: true };
}
