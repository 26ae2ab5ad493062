import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { entriesForHook } from '../customers/record.js';
import { lifecycleErrors } from '../errors.js';
import { unstuck } from '../services/operation.js';
import { settleService } from '../services/settle.js';
import type { RunChange, RunMoment } from './change-run.js';
import { eventOf, leave } from './end.js';
import { hookAfter, runEndHook } from './hook-steps.js';
import { mayGiveAfter, stoppedBefore } from './may-give.js';
import { brokenStep, type Run, type RunStep } from './run.js';

type Decide = (moment: RunMoment) => Promise<RunChange>;
type Action = 'retry' | 'skip' | 'force';

/** @throws RUN_NOT_OPEN when a run is not stuck */
export function mustBeStuck({ id: requestId, status }: Run): void {
  if (status !== 'stuck') throw lifecycleErrors.RUN_NOT_OPEN({ requestId, status, wanted: 'stuck' });
}

function intervened(run: Run, action: Action, step: string | null, note: string | null): RunChange {
  const { id: requestId, serviceId, serviceName, operation } = run;
  const data = { requestId, serviceId, serviceName, operation, action, step, note };
  return { run, event: { name: 'service.intervened', data } };
}

/** Sets a stuck run going again, its broken step as `mend` leaves it. */
function goOn(
  context: LifecycleContext,
  action: 'retry' | 'skip',
  note: string | null,
  mend: (step: RunStep, at: number) => RunStep,
): Decide {
  return async ({ run, at, trx }) => {
    mustBeStuck(run);
    const { runs, services, signals } = context.store.tenant(run.tenantId);
    const broken = brokenStep(run.steps);
    const isUndoing = broken?.status === 'compensation_failed';
    const steps = run.steps.map((step) => (step === broken ? mend(step, at) : step));
    const going: Run = {
      ...run,
      steps,
      status: isUndoing ? 'compensating' : 'running',
      direction: isUndoing ? 'backward' : 'forward',
      nextAt: at,
      updatedAt: at,
    };
    await runs.reopen(going, trx);
    // What made it fail would make it fail again.
    if (action === 'retry' && broken && !isUndoing) await signals.forget(run.id, broken.key, trx);
    const service = await services.lock(run.serviceId, trx);
    if (service) await services.replace({ ...unstuck(service, run.operation), updatedAt: at }, trx);
    return intervened(going, action, broken?.key ?? null, note);
  };
}

/** Tries the broken step anew, with all its attempts; who decided or completed it may do so again. */
export function retried(context: LifecycleContext, note: string | null): Decide {
  return goOn(context, 'retry', note, (step) =>
    step.status === 'compensation_failed'
      ? { ...step, status: 'compensating', compensationFailures: 0, compensationAttempts: 0 }
      : { ...step, status: 'failed', attempts: 0, failures: 0, error: null, round: (step.round ?? 0) + 1 },
  );
}

/** Goes on without the broken step: somebody took care of it. */
export function skipped(context: LifecycleContext, note: string | null): Decide {
  return goOn(context, 'skip', note, (step, at) =>
    step.status === 'compensation_failed'
      ? { ...step, status: 'compensated', finishedAt: at }
      : { ...step, status: 'skipped', finishedAt: at },
  );
}

/** Ends a stuck run as somebody says that it ended. */
export function forced(
  context: LifecycleContext,
  identity: ScopeIdentity,
  outcome: 'completed' | 'failed',
  note: string | null,
): Decide {
  return async ({ run, customer, at, trx }) => {
    mustBeStuck(run);
    const { runs, services } = context.store.tenant(run.tenantId);
    const ended: Run = {
      ...run,
      status: outcome,
      nextAt: null,
      updatedAt: at,
      provisionedAt: outcome === 'completed' ? at : null,
    };
    await runs.reopen(ended, trx);
    const change = intervened(ended, 'force', brokenStep(run.steps)?.key ?? null, note);
    const service = await services.lock(run.serviceId, trx);
    if (!service) return change;
    const left = leave(unstuck(service, run.operation), ended, outcome, at);
    const mayGive = mayGiveAfter(ended, left, await stoppedBefore(context, run, trx));
    const next = await settleService(context, identity, left, customer, { at, trx }, mayGive);
    if (!next) await services.replace(left, trx);
    const takePart = async (after: Customer): Promise<void> => {
      const state = { customer: after, service: next?.service ?? left, run: ended };
      if (outcome === 'completed') await runEndHook(context, state, trx);
      const told = { customerId: run.customerId, at, state };
      await context.store.outbox.append(entriesForHook(context, identity, hookAfter(ended), told), trx);
    };
    return { ...change, more: [eventOf(ended, outcome), ...(next ? [next.event] : [])], takePart };
  };
}
