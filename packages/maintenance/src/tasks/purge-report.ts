import type { z } from 'zod';
import type { purgeReport } from './cache-cleanup.schema.js';

/** How one policy's purge went. */
export type PurgeReport = z.output<typeof purgeReport>;

/** How one went, and whether what is left is more, in one piece, than the budget of items allows. */
export type Purged = PurgeReport & { overBudget?: boolean };

/** The counts of a purge that found nothing. */
export const nothingPurged = { seen: 0, removed: 0, bytes: 0 } as const;

/** The report of a task from those of its policies. */
export function purgeResult(purged: readonly Purged[]) {
  const policies = purged.map(({ overBudget: _, ...report }): PurgeReport => report);
  const bytes = (approximate: boolean): number =>
    policies.reduce((sum, it) => sum + (it.bytesApproximate === approximate ? it.bytes : 0), 0);
  return {
    space: { returnedBytes: bytes(false), estimatedBytes: bytes(true) },
    overBudget: purged.some(({ overBudget }) => overBudget === true),
    skipped: policies.length > 0 && policies.every(({ outcome }) => outcome === 'busy'),
    details: { policies },
  };
}
