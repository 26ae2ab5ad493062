import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { lockToChange } from '../customers/lock.js';
import { runBefore, runInTransaction } from '../customers/perform.js';
import type { CarryOutOptions } from '../customers/command-options.js';
import { timerDifference, Undo } from '../customers/preview.js';
import { takeTurn, type Turn } from '../customers/turn.js';
import { happened, recordChange, type PendingEvent } from '../customers/record.js';
import { lifecycleErrors } from '../errors.js';
import { hooksOf, type HookName } from '../hooks.js';
import type { ServiceStore } from '../store/store.js';
import { changeTimers } from '../timers/change.js';
import type { TimerChange } from '../timers/timer.js';
import type { ServiceInstance } from './instance.js';
import type { OperationName } from './operation.js';
import { settleService } from './settle.js';

/** A service in the transaction that changes it. */
export interface ServiceMoment {
  service: ServiceInstance;
  customer: Customer;
  at: number;
  trx: StoreTransaction;
  /** The refusal of a change, with its reason. */
  busy: (reason: string) => Error;
}

/** What is asked for, by its name. */
export interface ServiceAsked {
  command: string;
  serviceId: string;
  input: unknown;
  /** What hooks of this name are told besides whose service it is. */
  hook: Extract<HookName, `service.${string}`>;
  told: object;
}

/** What a change comes to. */
export interface ServiceChange {
  service: ServiceInstance;
  event: PendingEvent;
  /** What it begins by itself, besides what the service needs then. */
  operation?: OperationName;
  /** What is to be given later, and what not any more. */
  timers?: readonly TimerChange[];
}

/** @throws SERVICE_NOT_FOUND */
export async function findService(
  services: ServiceStore,
  serviceId: string,
  trx?: StoreTransaction,
): Promise<ServiceInstance> {
  const service = await services.get(serviceId, trx);
  if (!service) throw lifecycleErrors.SERVICE_NOT_FOUND({ serviceId });
  return service;
}

/**
 * Changes one service in one transaction, under its customer's lock: the change, its event in the customer's history,
 * and whatever the service then needs.
 * @throws SERVICE_NOT_FOUND, CUSTOMER_ERASED, what {@link takeTurn}, what `decide` and what hooks throw
 */
export async function changeService(
  context: LifecycleContext,
  identity: ScopeIdentity,
  { command, serviceId, input, hook, told }: ServiceAsked,
  options: (CarryOutOptions & { turn?: Turn<ServiceInstance> }) | undefined,
  decide: (moment: ServiceMoment) => ServiceChange | Promise<ServiceChange>,
): Promise<ServiceInstance> {
  const { store, clock } = context;
  const { services, timers } = store.tenant(identity.tenantId);
  const busy = (reason: string): Error => lifecycleErrors.SERVICE_BUSY({ serviceId, reason });
  const asked = { command, subject: serviceId, input };
  const turn = options?.turn ?? (await takeTurn<ServiceInstance>(context, identity, asked, options));
  if (turn.first) return turn.first;
  if (!options?.dryRun && hooksOf(context, hook).before) {
    const { customerId } = await findService(services, serviceId, options?.trx);
    await runBefore(context, identity, hook, { customerId, serviceId, ...told });
  }
  return turn.commit(async (trx) => {
    const { customerId } = await findService(services, serviceId, trx);
    const customer = await lockToChange(context, identity.tenantId, customerId, trx);
    if (options?.claim && !(await options.claim(trx)))
      return { answer: await findService(services, serviceId, trx), customer };
    const at = Math.max(clock.now(), customer.updatedAt);
    // As it is now that nobody else can change it.
    const service = await services.lock(serviceId, trx);
    if (!service) throw lifecycleErrors.SERVICE_NOT_FOUND({ serviceId });
    const setBefore = options?.dryRun ? await timers.listFor(customerId, trx) : [];
    const change = await decide({ service, customer, at, trx, busy });
    const changed = { ...change.service, updatedAt: at };
    const next = await settleService(context, identity, changed, customer, { at, trx });
    if (!next) await services.replace(changed, trx);
    const pending = [change.event, ...(next ? [next.event] : [])];
    const after = { ...customer, version: customer.version + pending.length, updatedAt: at };
    const events = pending.map((event) => happened(identity, customerId, at, event));
    await recordChange(context, customer, after, events, trx);
    await changeTimers(context, identity, customerId, change.timers ?? [], { at, trx });
    const state = { customer: after, service: next?.service ?? changed };
    if (options?.dryRun)
      throw new Undo({
        before: customer,
        after,
        hooks: [hook],
        events: pending,
        operations: [
          ...(change.operation ? [{ service: changed, operation: change.operation }] : []),
          ...(next ? [next] : []),
        ],
        timers: timerDifference(setBefore, await timers.listFor(customerId, trx)),
      });
    const given = { customerId, serviceId, ...told };
    await runInTransaction(context, identity, hook, { customerId, at, input: given, state }, trx);
    return { answer: state.service, customer };
  });
}
