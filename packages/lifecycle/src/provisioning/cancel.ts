import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { PendingEvent } from '../customers/record.js';
import { operations, unstuck } from '../services/operation.js';
import { changeTimers } from '../timers/change.js';
import { calledOff, callingOff } from './calling-off.js';
import { checkCancellable } from './cancellable.js';
import { toldOf, type RunChange, type RunMoment } from './change-run.js';
import { stoppedBefore } from './may-give.js';
import type { Run, RunStep } from './run.js';

/** Why a step is cut short when somebody asked for the run to be cancelled. */
export const cancelled = new Error('the run was cancelled');

/**
 * Notes that a run is to be cancelled, and what its service should be given from now on: a termination that is called off is
 * not asked for any more, and what a suspension was for does not count.
 * @throws RUN_NOT_OPEN, TEMPLATE_NOT_REGISTERED
 */
export function cancelRequested(
  context: LifecycleContext,
  identity: ScopeIdentity,
): (moment: RunMoment) => Promise<RunChange> {
  return async ({ run, customer, at, trx }) => {
    const { runs, services } = context.store.tenant(run.tenantId);
    checkCancellable(run);
    // Asked again, it is answered as the first time.
    if (run.cancelRequestedAt !== null) return { run };
    const service = await services.lock(run.serviceId, trx);
    const stopped = await stoppedBefore(context, run, trx);
    const change = callingOff(context, { run, customer, service, stopped });
    const isStuck = run.status === 'stuck';
    const reopened = operations[run.operation].whenCancelled === 'undone' ? turnedBack(run, at) : takenUp;
    const going: Run = { ...run, ...(isStuck && reopened), cancelRequestedAt: at, nextAt: at };
    if (isStuck) await runs.reopen({ ...going, updatedAt: at }, trx);
    await runs.requestCancel(run.id, at, trx);
    const event: PendingEvent = { name: 'service.cancel_requested', data: toldOf(run) };
    if (!service) return { run: going, event };
    const off = calledOff(service, change, { run, by: identity.actor, at });
    const freed = isStuck ? unstuck(off.service, run.operation) : off.service;
    const left = run.operation === 'deprovision' ? { ...freed, terminateRequestedAt: null } : freed;
    if (left !== service) await services.replace({ ...left, updatedAt: at }, trx);
    await changeTimers(context, identity, customer.id, off.timers, { at, trx });
    return { run: going, event, more: off.events };
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
