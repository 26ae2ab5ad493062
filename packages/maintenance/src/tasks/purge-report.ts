import type { z } from 'zod';
import type { purgeReport } from './cache-cleanup.schema.js';

/** How one policy's purge went. */
export type PurgeReport = z.output<typeof purgeReport>;

/** The counts of a purge that found nothing. */
export const nothingPurged = { seen: 0, removed: 0, bytes: 0 } as const;

/** The report of a task from those of its policies. */
export function purgeResult(policies: PurgeReport[]) {
  const bytes = (approximate: boolean): number =>
    policies.reduce((sum, it) => sum + (it.bytesApproximate === approximate ? it.bytes : 0), 0);
  return {
    space: { returnedBytes: bytes(false), estimatedBytes: bytes(true) },
    skipped: policies.length > 0 && policies.every(({ outcome }) => outcome === 'busy'),
    details: { policies },
  };
}
