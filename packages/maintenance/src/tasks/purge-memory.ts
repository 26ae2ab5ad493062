import { pruneMemory } from '../caches/memory.js';
import type { CheckedMemory } from '../policies/upkeep-policies.js';
import { defaultRates, msFor } from './default-rates.js';
import { planned, type PlannedTarget } from './plan.js';
import { nothingPurged, type Purged } from './purge-report.js';
import type { TaskContext } from './task.js';

const targetOf = ({ name }: CheckedMemory): string => `memory:${name}`;

/** What would go of one policy's cache; how much of it is stale, it says only by letting it go. */
export function planMemory(policy: CheckedMemory): PlannedTarget {
  const { memory, remove } = policy;
  const { size } = memory();
  const strategy = remove === 'all' ? 'everything goes' : 'entries that have expired go; at most these';
  const estimatedMs = msFor(size, defaultRates.entries);
  const found = { target: targetOf(policy), items: size, exact: remove === 'all', total: size, toSee: size };
  return planned({ ...found, action: 'delete', strategy, estimatedMs }, remove);
}

/**
 * Prunes one policy's cache, of the process that runs this. A cache lets go whatever it may, all at once: where that may be more than
 * the budget of items allows, it is let be.
 */
export async function purgeMemory(context: TaskContext, policy: CheckedMemory): Promise<Purged> {
  const { name, memory, remove, maxShare } = policy;
  const report = { policy: name, kind: 'memory', outcome: 'done', bytes: 0, bytesApproximate: true } as const;
  const { size: total } = memory();
  const planned = remove === 'all' ? total : null;
  const progress = await context.target({ target: targetOf(policy), planned, total, maxShare });
  // It was emptied already, and what is in it now has come since.
  if (progress.isDone) return { ...report, ...nothingPurged };
  if (total > progress.remaining) {
    const { remaining } = progress;
    context.note(`${name}: it is let be, for up to ${total} entries would go at once, and ${remaining} may.`);
    return { ...report, ...nothingPurged, outcome: 'partial', overBudget: true };
  }
  const { seen, removed } = pruneMemory(memory(), remove);
  progress.done();
  await progress.advance({ seen, cleaned: removed });
  return { ...report, seen, removed };
}
