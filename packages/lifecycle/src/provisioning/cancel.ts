import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { nextOperation, operations } from '../services/operation.js';
import { mustBeOpen, toldOf, type RunChange, type RunMoment } from './change-run.js';
import { isHookStep, type Run, type RunStep } from './run.js';
import { kindOf } from './template.js';

/** Why a step is cut short when somebody asked for the run to be cancelled. */
export const cancelled = new Error('the run was cancelled');

/**
 * Decides whether a run may be cancelled. Setting up and changing a plan always may: what was done is undone. Suspending,
 * throttling and resuming may once they are not what the service should be given any more (a reason was lifted, or another
 * opened): they stop where they are, and what it should be given by now follows. As long as they are, they would only
 * begin again. Taking down may as long as nothing was taken down (it waits for a time or an approval) and the customer has
 * not left: the service stays.
 * @throws RUN_NOT_OPEN, RUN_NOT_CANCELLABLE
 */
export function cancelRequested(context: LifecycleContext): (moment: RunMoment) => Promise<RunChange> {
  return async (moment) => {
    const { run, at, trx } = moment;
    mustBeOpen(run);
    if (run.cancelRequestedAt !== null) return { run };
    if (!operations[run.operation].undoes) await mayStop(context, moment);
    await context.store.tenant(run.tenantId).runs.requestCancel(run.id, at, trx);
    const event = { name: 'service.cancel_requested', data: toldOf(run) } as const;
    return { run: { ...run, cancelRequestedAt: at, nextAt: at }, event };
  };
}

/** Refuses what may not stop where it is; a termination that is called off is not asked for any more. */
async function mayStop(context: LifecycleContext, { run, customer, at, trx }: RunMoment): Promise<void> {
  const { operation } = run;
  const refusal = (reason: string) => lifecycleErrors.RUN_NOT_CANCELLABLE({ operation, reason });
  const { services } = context.store.tenant(run.tenantId);
  const service = await services.lock(run.serviceId, trx);
  if (!service) return;
  // As if nothing were being done to it: would this be begun now?
  const isWanted = (idle: Parameters<typeof nextOperation>[0]): boolean =>
    nextOperation({ ...idle, openRunId: null }, customer, context.templates.of(service)?.exemptFrom) === operation;
  if (operation !== 'deprovision') {
    if (isWanted(service)) throw refusal('it is what the service should be given, as its reasons are');
    return;
  }
  const kept = { ...service, terminateRequestedAt: null, updatedAt: at };
  if (run.steps.some((step) => mayHaveTaken(context, run, step))) throw refusal('something may be taken down already');
  if (isWanted({ ...kept, status: 'active' })) throw refusal('the customer has left');
  await services.replace(kept, trx);
}

/**
 * May a step have had an effect? Time that passes, people who decide and hooks that are asked have none; what is done in a
 * transaction has one once that has committed.
 */
function mayHaveTaken({ templates }: LifecycleContext, run: Run, step: RunStep): boolean {
  if (step.status === 'pending' || isHookStep(step)) return false;
  const steps = templates.of(run)?.stepsOf(run.operation);
  const definition = steps?.find(({ key }) => key === step.key);
  const kind = definition && kindOf(definition);
  if (kind === 'runInTransaction') return step.completedOrder !== null;
  return kind !== 'approval' && kind !== 'waitMs';
}

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
