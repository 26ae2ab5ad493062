import type { OperationError } from '@dotmac/core';
import { nothingPurged, purgeResult, type Purged, type PurgeReport } from './purge-report.js';
import { setback } from './setback.js';
import type { TaskContext } from './task.js';

/** A policy's purge. */
export interface Purge {
  policy: string;
  /** As progress calls it. */
  target: string;
  kind: PurgeReport['kind'];
  run(): Promise<Purged>;
}

/** One after the other. One that fails, or waits for a confirmation, keeps none of the others from its turn. */
export async function purgeEach(context: TaskContext, purges: readonly Purge[]) {
  const reports: Purged[] = [];
  let fault: OperationError | undefined;
  for (const { target } of purges) context.expect(target, null);
  for (const { policy, target, kind, run } of purges) {
    if (context.isOver) break;
    try {
      reports.push(await run());
    } catch (error) {
      const ended = setback(context, policy, error);
      fault ??= ended.fault;
      reports.push({ policy, kind, outcome: ended.outcome, ...nothingPurged, bytesApproximate: kind !== 'directory' });
    }
    context.expect(target, 0);
  }
  return { ...purgeResult(reports), fault };
}
