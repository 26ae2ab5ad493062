import type { z } from 'zod';
import type { purgeReport } from './cache-cleanup.schema.js';

/** How one policy's purge went. */
export type PurgeReport = z.output<typeof purgeReport>;

/** The counts of a purge that found nothing. */
export const nothingPurged = { seen: 0, removed: 0, bytes: 0 } as const;

/** The report of a task from those of its policies. */
export function purgeResult(policies: PurgeReport[], dryRun: boolean) {
  const sum = (of: (report: PurgeReport) => number): number => policies.reduce((total, it) => total + of(it), 0);
  return {
    itemsProcessed: sum(({ seen }) => seen),
    itemsCleaned: dryRun ? 0 : sum(({ removed }) => removed),
    bytesFreed: dryRun ? 0 : sum(({ bytes }) => bytes),
    skipped: policies.length > 0 && policies.every(({ outcome }) => outcome === 'busy'),
    details: { dryRun, policies },
  };
}
