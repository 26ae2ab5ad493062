import type { StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { entriesForHook, happened, recordAtOnce, recordChange, type PendingEvent } from '../customers/record.js';
import type { OperationState } from '../hooks.js';
import type { ServiceInstance } from '../services/instance.js';
import { nextOperation, operationOf, operations } from '../services/operation.js';
import { settleService } from '../services/settle.js';
import { nothingSpared } from '../services/spared.js';
import { stopped, turnedBack } from './cancel.js';
import { save, type Hold } from './checkpoint.js';
import { hookAfter } from './hook-steps.js';
import { isStopped, mayGiveAfter, stoppedBefore } from './may-give.js';
import { hasLeftOver, outputsOf, type EndStatus } from './plan.js';
import { causeOf, type Run } from './run.js';

interface Known {
  customer?: Customer | undefined;
  service?: ServiceInstance | undefined;
}

/**
 * Ends a run: what it leaves of its service, its event in the customer's history, and, if the service should be
 * otherwise by now, the next run; in one transaction. One that was cancelled before turns back instead, if it is undone, or
 * is over as cancelled where a step of it failed for good.
 * @param planned how it ends if nobody has cancelled it
 * @param known customer and service as they were read last, if they were: if they are so still, it is one statement
 * @param takePart what the host does in that transaction
 */
export async function endRun(
  context: LifecycleContext,
  hold: Hold,
  run: Run,
  planned: EndStatus,
  known: Known = {},
  takePart?: (state: OperationState, trx: StoreTransaction) => Promise<void>,
): Promise<Run> {
  const { store, clock } = context;
  const { tenantId, customerId } = run;
  // It may have been cancelled until the very end. Of taking down that is looked for under the lock; of others the
  // customer's history tells, so that it is not done at once, unless it was so before the customer was read.
  const isAlone = !takePart && run.operation !== 'deprovision' && run.cancelRequestedAt === null;
  const ended = isAlone ? await endAtOnce(context, hold, run, planned, known) : undefined;
  if (ended) return ended;
  // Setting up begins where nothing was stopped.
  const isKnown = planned === 'completed' || operations[run.operation].whenFailed === 'undone';
  const before = isKnown ? [] : await stoppedBefore(context, run);
  return store.transaction(async (trx) => {
    const { customers, services, runs } = store.tenant(tenantId);
    const customer = await customers.lock(customerId, trx);
    const isAhead = planned === 'completed' || (planned === 'stuck' && !hasLeftOver(run.steps));
    const cancelRequestedAt = (isAhead && (await runs.lock(run.id, trx))?.cancelRequestedAt) || null;
    const { whenCancelled } = operations[run.operation];
    // Whoever cancelled it was told so: whether all is done or a step failed for good, nothing of it stays.
    if (cancelRequestedAt !== null && whenCancelled === 'undone')
      return { ...(await save(context, hold, run, turnedBack(run, clock.now()), trx)), cancelRequestedAt };
    // What failed for good need not be looked at any more, where what is wanted by now follows.
    const status = cancelRequestedAt !== null && planned === 'stuck' ? 'cancelled' : planned;
    const { steps } = status === 'cancelled' && whenCancelled === 'left' ? stopped(run, clock.now()) : run;
    const provisionedAt = status === 'completed' ? clock.now() : null;
    const written = await save(context, hold, run, { status, steps, nextAt: null, provisionedAt }, trx);
    const ended = { ...written, cancelRequestedAt: cancelRequestedAt ?? run.cancelRequestedAt };
    const service = await services.lock(run.serviceId, trx);
    if (!customer || !service) return ended;
    const identity = { tenantId, actor: run.requestedBy };
    const at = Math.max(clock.now(), customer.updatedAt);
    const left = leave(service, ended, status, at);
    const mayGive = mayGiveAfter(ended, left, before);
    const next = await settleService(context, identity, left, customer, { at, trx }, mayGive);
    if (!next) await services.replace(left, trx);
    const pending = [eventOf(ended, status), ...(next ? [next.event] : [])];
    const after = { ...customer, version: customer.version + pending.length, updatedAt: at };
    const events = pending.map((event) => happened(identity, customerId, at, event));
    const state = { customer: after, service: next?.service ?? left, run: ended };
    const outbox = entriesForHook(context, identity, hookAfter(ended), { customerId, at, state });
    await recordChange(context, customer, after, events, trx, { outbox });
    if (status === 'completed') await takePart?.(state, trx);
    return ended;
  });
}

/**
 * Ends a run after which there is nothing more to do for its service.
 * @returns undefined, and nothing is written, when there is, or when customer or lease have changed since
 */
async function endAtOnce(
  context: LifecycleContext,
  { tenantId, fence }: Hold,
  run: Run,
  status: EndStatus,
  { customer, service: last }: Known,
): Promise<Run | undefined> {
  const { clock, store, templates } = context;
  const service = last ?? (customer && (await store.tenant(tenantId).services.get(run.serviceId)));
  if (!customer || !service || isStopped({ ...run, status })) return undefined;
  const at = Math.max(clock.now(), customer.updatedAt);
  const provisionedAt = status === 'completed' ? clock.now() : null;
  const updatedAt = Math.max(clock.now(), run.updatedAt);
  const ended: Run = { ...run, status, nextAt: null, provisionedAt, updatedAt };
  const left = leave(service, ended, status, at);
  const identity = { tenantId, actor: run.requestedBy };
  const event = happened(identity, customer.id, at, eventOf(ended, status));
  if (nextOperation(left, customer, templates.of(left)?.exemptFrom) !== null) return undefined;
  const after = { ...customer, version: customer.version + 1, updatedAt: at };
  const state = { customer: after, service: left, run: ended };
  const outbox = entriesForHook(context, identity, hookAfter(ended), { customerId: customer.id, at, state });
  const what = { ended: { runId: run.id, fence, state: ended, service: left }, outbox };
  if (!(await recordAtOnce(context, customer, after, [event], what))) return undefined;
  return ended;
}

/** The service after a run. */
export function leave(service: ServiceInstance, run: Run, status: EndStatus, at: number): ServiceInstance {
  const changed = { ...service, updatedAt: at };
  // A run that is stuck keeps others from the service until somebody has looked.
  if (status === 'stuck') return { ...changed, status: 'stuck' };
  const freed = { ...changed, openRunId: null };
  if (status !== 'completed') return { ...freed, ...unfinished(service, run) };
  const { operation, steps, config, serviceName, templateVersion, templateHash } = run;
  const { leaves } = operationOf(operation);
  const outputs = { ...service.outputs, ...outputsOf(steps) };
  return {
    ...freed,
    ...leaves,
    outputs,
    ...(operation === 'change_plan' && { config, serviceName, templateVersion, templateHash }),
    ...(operation === 'provision' && { provisionedAt: at }),
    ...(operation === 'deprovision' && { terminatedAt: at, ...nothingSpared }),
  };
}

/** A service whose operation came to nothing: setting it up is over, taking it down has not happened. */
function unfinished({ access }: ServiceInstance, { operation }: Run): Pick<ServiceInstance, 'status'> | undefined {
  if (operation === 'provision') return { status: 'failed' };
  return operation === 'deprovision' ? { status: access === 'suspended' ? 'suspended' : 'active' } : undefined;
}

/** What a run's end is called. */
export function eventOf(run: Run, status: EndStatus): PendingEvent {
  const { id: requestId, serviceId, serviceName, operation, steps } = run;
  const service = { requestId, serviceId, serviceName, operation };
  if (status === 'completed') return { name: operationOf(operation).done, data: service };
  if (status === 'cancelled') return { name: 'service.cancelled', data: service };
  return { name: `service.${status}`, data: { ...service, ...causeOf(steps) } };
}
