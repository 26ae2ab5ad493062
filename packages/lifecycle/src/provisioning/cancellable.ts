import { operations } from '../services/operation.js';
import { mustBeOpen } from './change-run.js';
import { hasLeftOver } from './plan.js';
import type { Run } from './run.js';

/**
 * Every run that is not over may be cancelled, at any moment, also where it is stuck on its way ahead; not one that is being
 * undone already: nothing interrupts that.
 * @throws RUN_NOT_OPEN
 */
export function checkCancellable(run: Run): void {
  if (!hasFailedAhead(run)) mustBeOpen(run);
}

/**
 * Did a step fail for good on the way ahead, of what waits for somebody then? It is stuck, or about to be, and need not be
 * finished.
 */
function hasFailedAhead({ status, direction, operation, steps, nextAt, cancelRequestedAt }: Run): boolean {
  if (operations[operation].whenFailed !== 'stuck' || direction === 'forward') return false;
  const isOver = nextAt === null && status !== 'stuck';
  return !isOver && cancelRequestedAt === null && !hasLeftOver(steps);
}
