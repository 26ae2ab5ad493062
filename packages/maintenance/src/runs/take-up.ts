import { describeError, isOperationError, type Logger } from '@dotmac/core';
import type { MaintenanceStore } from '../store/store.js';
import { createTaskChooser, type ChooseParts } from '../tasks/choose.js';
import { scopeOf } from '../tasks/task.js';
import type { ScopeIds } from './lease-keys.js';
import { isResumable, type Run } from './run.js';
import type { Runner } from './runner.js';

/** What {@link takeUp} works with. */
export interface TakeUpParts extends Pick<ChooseParts, 'policies' | 'tasks'> {
  store: MaintenanceStore;
  runner: Runner;
  scopeIds: ScopeIds;
  logger: Logger;
}

/**
 * Goes on with a run whose process died, if it had kept where it was and its things are within reach. Once: what was
 * taken up and dies again may be what kills processes, and waits for somebody who resumes it.
 */
export async function takeUp(
  run: Run,
  { store, runner, policies, tasks, scopeIds, logger }: TakeUpParts,
): Promise<void> {
  const task = tasks.get(run.task);
  if (!task || run.trigger === 'recovery') return;
  if (!isResumable(run) || Object.keys(run.cursors).length === 0) return;
  const { tenantId } = run;
  try {
    const { parameters } = createTaskChooser({ tenantId, policies, tasks }).fromWire(run.task, run.parameters);
    if (scopeIds[scopeOf(task, parameters)] !== run.scopeId) return;
    const claim = async (runId: string): Promise<void> => {
      if (!(await store.runs(tenantId).claimResume(run.id, runId))) throw new Error('another process took it up');
    };
    const identity = { tenantId, actor: 'system' };
    const { ended } = await runner.begin({ identity, task, parameters, trigger: 'recovery', resumes: run, claim });
    ended.catch(() => undefined);
  } catch (error) {
    // The next slot, or somebody who resumes it, will do.
    if (!isOperationError(error, 'TASK_ALREADY_RUNNING'))
      logger.warn({ runId: run.id, ...describeError(error) }, 'a run of a dead process was not taken up');
  }
}
