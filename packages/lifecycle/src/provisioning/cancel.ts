import type { LifecycleContext } from '../context.js';
import { operations, unstuck } from '../services/operation.js';
import { checkCancellable } from './cancellable.js';
import { toldOf, type RunChange, type RunMoment } from './change-run.js';
import type { Run, RunStep } from './run.js';

/** Why a step is cut short when somebody asked for the run to be cancelled. */
export const cancelled = new Error('the run was cancelled');

/**
 * Notes that a run is to be cancelled. A termination that is called off is not asked for any more.
 * @throws RUN_NOT_OPEN, RUN_NOT_CANCELLABLE
 */
export function cancelRequested(context: LifecycleContext): (moment: RunMoment) => Promise<RunChange> {
  return async ({ run, customer, at, trx }) => {
    const { runs, services } = context.store.tenant(run.tenantId);
    const service = await services.lock(run.serviceId, trx);
    checkCancellable(context, { run, customer, service });
    if (run.cancelRequestedAt !== null) return { run };
    const isStuck = run.status === 'stuck';
    const reopened = operations[run.operation].whenCancelled === 'undone' ? turnedBack(run, at) : takenUp;
    const going: Run = { ...run, ...(isStuck && reopened), cancelRequestedAt: at, nextAt: at };
    if (isStuck) await runs.reopen({ ...going, updatedAt: at }, trx);
    await runs.requestCancel(run.id, at, trx);
    const isGoing = run.operation === 'deprovision';
    if (service && (isStuck || isGoing)) {
      const freed = { ...unstuck(service, run.operation), ...(isGoing && { terminateRequestedAt: null }) };
      await services.replace({ ...freed, updatedAt: at }, trx);
    }
    return { run: going, event: { name: 'service.cancel_requested', data: toldOf(run) } };
  };
}

/** What a run says that was stuck, and goes on as if its step were to be tried again. */
const takenUp = { status: 'running', direction: 'forward' } as const;

/** What a run says that undoes what it did. */
export function turnedBack({ steps }: Pick<Run, 'steps'>, at: number) {
  return { status: 'compensating', direction: 'backward', steps, nextAt: at } as const;
}

const underWay: readonly RunStep['status'][] = ['running', 'waiting', 'failed'];

/** A run that is left where it is: nobody waits for what was under way. */
export function stopped(run: Run, at: number): Run {
  const steps = run.steps.map((step): RunStep =>
    underWay.includes(step.status) ? { ...step, status: 'skipped', finishedAt: at, waitUntil: null } : step,
  );
  return { ...run, steps };
}
