import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import type { Moment } from '../customers/moment.js';
import type { PendingEvent } from '../customers/record.js';
import { newRun } from '../provisioning/plan.js';
import type { Run } from '../provisioning/run.js';
import { wakeRun } from '../provisioning/wake.js';
import { changeTimers } from '../timers/change.js';
import { ownTimer } from '../timers/own-names.js';
import type { TimerChange } from '../timers/timer.js';
import type { ServiceAccess, ServiceInstance } from './instance.js';
import { stillSpared, withSpared } from './spared.js';
import { hasLeft, isPointless, mayNeedOperation, nextOperation, operationOf, type OperationName } from './operation.js';

/** An operation that was begun on a service. */
export interface StartedOperation {
  service: ServiceInstance;
  operation: OperationName;
  run: Run;
  /** For the customer's history; it wakes the run. */
  event: PendingEvent;
}

/** What became of a customer's services when it changed. */
export interface SettledServices {
  operations: StartedOperation[];
  /** For the customer's history, in their order; those of the operations are among them. */
  events: PendingEvent[];
}

/** Stages in which nobody has a service. */
const withoutServices: readonly Customer['stage'][] = ['registration', 'verification'];

/** Is what became of a customer anything to its services? */
export function mayChangeServices(before: Customer, customer: Customer): boolean {
  const isSame = before.stage === customer.stage && before.blocks === customer.blocks;
  return !isSame && !withoutServices.includes(before.stage);
}

/**
 * Has the services of a customer follow it: what a suspension, a reactivation or a departure changed for them is begun
 * in the same transaction; what is being set up for one who has left is told so, and what they are spared no more counts.
 * Under the customer's lock.
 */
export async function settleServices(
  context: LifecycleContext,
  identity: ScopeIdentity,
  before: Customer,
  customer: Customer,
  moment: Moment,
): Promise<SettledServices> {
  const settled: SettledServices = { operations: [], events: [] };
  if (!mayChangeServices(before, customer)) return settled;
  const { services } = context.store.tenant(identity.tenantId);
  for (const kept of await services.live(customer.id, moment.trx)) {
    const { service, events } = withSpared(kept, stillSpared(kept, before, customer));
    const next = await settleService(context, identity, service, customer, moment);
    settled.events.push(...events, ...(next ? [next.event] : []));
    if (next) settled.operations.push(next);
    else if (events.length > 0) await services.replace({ ...service, updatedAt: moment.at }, moment.trx);
    if (!next && hasLeft(customer)) await tellOpenRun(context, identity, service, customer, moment);
  }
  return settled;
}

/** Makes the open run of a service due, which may wait for weeks or for its next attempt, where nobody wants any more what it sets up. */
async function tellOpenRun(
  context: LifecycleContext,
  { tenantId }: ScopeIdentity,
  { openRunId, status }: ServiceInstance,
  customer: Customer,
  { at, trx }: Moment,
): Promise<void> {
  // What has not begun is due already.
  if (openRunId === null || status === 'pending') return;
  const { runs } = context.store.tenant(tenantId);
  // Locked, so that who is about to write that it waits, or tries again later, sees its customer as it is now.
  const run = await runs.lock(openRunId, trx);
  if (!run || !isPointless(run.operation, customer)) return;
  await runs.makeDue(run.id, at, trx);
  context.store.afterCommit(trx, () => void wakeRun(context, tenantId, run.id));
}

/** What the timer of a service is called that is to follow its customer. */
export function followingName({ id }: Pick<ServiceInstance, 'id'>): string {
  return ownTimer('follow', id);
}

/** The timer by which a service follows where its template is registered. */
export function following(service: ServiceInstance, at: number): TimerChange {
  const [name, input] = [followingName(service), { service: service.id }];
  return { set: { name, dueAt: at, command: 'followService', input, anchorAt: at } };
}

/** May a service need something that cannot be begun here, where its template is not registered? */
export function cannotTell(
  { templates }: Pick<LifecycleContext, 'templates'>,
  service: ServiceInstance,
  customer: Customer,
  mayGive?: readonly ServiceAccess[],
): boolean {
  return !templates.of(service) && mayNeedOperation(service, customer, mayGive);
}

/**
 * Begins what a service needs next, if it needs anything; where its template is not registered, a timer does so in a process
 * that has it.
 * @param mayGive as {@link nextOperation} takes it
 */
export async function settleService(
  context: LifecycleContext,
  identity: ScopeIdentity,
  service: ServiceInstance,
  customer: Customer,
  moment: Moment,
  mayGive?: readonly ServiceAccess[],
): Promise<StartedOperation | undefined> {
  const template = context.templates.of(service);
  if (!template) {
    if (mayNeedOperation(service, customer, mayGive))
      await changeTimers(context, identity, customer.id, [following(service, moment.at)], moment);
    return undefined;
  }
  const operation = nextOperation(service, customer, template.exemptFrom, mayGive);
  if (operation === null) return undefined;
  const ids = { serviceId: service.id };
  const run = newRun(identity, service, template, { operation, at: moment.at, ids });
  return startOperation(context, service, run, moment);
}

/** Begins an operation on a service that has none. */
export async function startOperation(
  context: LifecycleContext,
  service: ServiceInstance,
  run: Run,
  { at, trx }: Moment,
): Promise<StartedOperation> {
  const { services, runs } = context.store.tenant(run.tenantId);
  const { id: requestId, serviceId, serviceName, operation } = run;
  const changed = { ...service, ...operationOf(operation).while, openRunId: requestId, updatedAt: at };
  await runs.insert(run, trx);
  await services.replace(changed, trx);
  const event: PendingEvent = {
    name: 'service.operation_started',
    data: { requestId, serviceId, serviceName, operation },
  };
  return { service: changed, operation, run, event };
}
