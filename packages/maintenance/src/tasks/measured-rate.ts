import type { z } from 'zod';
import type { databaseCleanupDetails } from './database-cleanup.schema.js';
import type { PlanContext } from './task.js';

type Details = z.output<typeof databaseCleanupDetails>;

/** Fewer rows say nothing of how fast many are. */
const fewestRows = 100;
/** So many runs are looked through, and so many of them are taken together: days differ. */
const [mostRuns, taken] = [50, 5];

/** Rows a second that earlier runs of a policy came to: the median of the last; null when none did enough. */
export function rateOf(earlier: readonly Details[], policy: string): number | null {
  const rates = earlier
    .flatMap(({ policies }) => policies)
    .filter((it) => it.policy === policy && it.rows >= fewestRows)
    .flatMap(({ rowsPerSecond }) => (rowsPerSecond === null ? [] : [rowsPerSecond]))
    .slice(0, taken)
    .sort((a, b) => a - b);
  return rates[Math.floor((rates.length - 1) / 2)] ?? null;
}

/** Asks the store for what {@link rateOf} needs. */
export async function measuredRates(context: PlanContext): Promise<(policy: string) => number | null> {
  const earlier = (await context.earlier(mostRuns)) as Details[];
  return (policy) => rateOf(earlier, policy);
}
