import { describeError, type Clock, type Logger } from '@dotmac/core';
import { runViewOf } from './result.js';
import type { Run } from './run.js';
import type { MaintenanceRun } from './schemas.js';

/** What a host's code is told of a run that failed. */
export interface RunFailure {
  tenantId: string;
  /** With its log; safe to show to the tenant. */
  run: MaintenanceRun;
  /** E.g. `BACKUP_FAILED`, `ABANDONED`; `INTERNAL` for what nobody foresaw. */
  code: string;
}

/**
 * Host code that runs after a run has failed, in the process that ended it. It has ten seconds; what it throws is
 * logged and changes nothing. For what must not be lost look at the runs themselves.
 */
export type RunFailureHook = (failure: RunFailure, context: { signal: AbortSignal }) => void | Promise<void>;

const limitMs = 10_000;

/** Tells hooks of failed runs, all at once; resolves when they are done or late, never rejects. */
export function failureTeller(
  hooks: readonly RunFailureHook[],
  { clock, logger }: { clock: Pick<Clock, 'after'>; logger: Logger },
): (run: Run) => Promise<void> {
  const call = async (hook: RunFailureHook, failure: RunFailure): Promise<void> => {
    const deadline = new AbortController();
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(limitMs, () => {
        const error = new Error('The hook did not end in time.');
        deadline.abort(error);
        reject(error);
      });
    });
    try {
      await Promise.race([Promise.resolve(hook(failure, { signal: deadline.signal })), late]);
    } catch (error) {
      const { taskId: runId, taskName: task } = failure.run;
      logger.error({ runId, task, ...describeError(error) }, 'a hook for failed runs failed');
    } finally {
      cancel();
    }
  };
  return async (run) => {
    if (run.status !== 'failed') return;
    // Each gets its own: what one does to it, no other sees.
    const failure = (): RunFailure =>
      structuredClone({ tenantId: run.tenantId, run: runViewOf(run), code: run.errorCode ?? 'INTERNAL' });
    await Promise.all(hooks.map((hook) => call(hook, failure())));
  };
}
