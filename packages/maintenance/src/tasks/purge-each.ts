import { describeError, isOperationError, type OperationError } from '@dotmac/core';
import { nothingPurged, purgeResult, type PurgeReport } from './purge-report.js';
import type { TaskContext } from './task.js';

/** A policy's purge. */
export interface Purge {
  policy: string;
  /** As progress calls it. */
  target: string;
  kind: PurgeReport['kind'];
  run(): Promise<PurgeReport>;
}

/** One after the other. One that fails is told of, and keeps none of the others from its turn. */
export async function purgeEach(context: TaskContext, purges: readonly Purge[]) {
  const reports: PurgeReport[] = [];
  let fault: OperationError | undefined;
  for (const { target } of purges) context.expect(target, null);
  for (const { policy, target, kind, run } of purges) {
    if (context.isOver) break;
    try {
      reports.push(await run());
    } catch (error) {
      if (context.signal.aborted || !isOperationError(error) || error.code === 'CONFIRMATION_NEEDED') throw error;
      context.logger.warn({ policy, ...describeError(error) }, 'a policy could not be purged');
      context.note(`${policy}: failed. ${error.message}`);
      fault ??= error;
      reports.push({ policy, kind, outcome: 'failed', ...nothingPurged, bytesApproximate: kind !== 'directory' });
    }
    context.expect(target, 0);
  }
  return { ...purgeResult(reports), fault };
}
