import { describeError } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { runKey } from '../store/store.js';

/** Has a run gone on with. A wake-up that is lost is found by the sweep: what it tells of is committed, whatever becomes of it. */
export async function wakeRun(
  { waker, clock, logger }: Pick<LifecycleContext, 'waker' | 'clock' | 'logger'>,
  tenantId: string,
  runId: string,
): Promise<void> {
  try {
    await waker.wake(runKey(tenantId, runId), clock.now());
  } catch (error) {
    logger.warn({ tenantId, runId, ...describeError(error) }, 'a wake-up was lost');
  }
}
