import type { ParkedEntry, ScopeIdentity } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { entriesForHook } from '../customers/record.js';
import { lifecycleErrors } from '../errors.js';
import { hooksOf } from '../hooks.js';
import { parkedQuery, replayInput, type ParkedDelivery, type ParkedDraft, type ReplayDraft } from './parked.js';

/** What one tenant's hooks, senders and subscribers could not be told. */
export interface DeliveryService {
  /** Deliveries that were given up after all their attempts, oldest first. */
  parked(draft?: ParkedDraft): Promise<ParkedDelivery[]>;
  /** Has a parked delivery tried again, with all its attempts. @throws DELIVERY_NOT_FOUND */
  retry(deliveryId: string): Promise<{ message: string }>;
  /**
   * Runs an `afterCommit` hook once more for a customer, with the state that the customer has now, and the service that
   * was requested; after what waits for that hook and customer already.
   * @throws CUSTOMER_NOT_FOUND, HOOK_NOT_FOUND, SERVICE_NOT_FOUND
   */
  replay(customerId: string, draft: ReplayDraft): Promise<{ message: string }>;
}

/** Those of one customer are looked for among so many. */
const mostParked = 5_000;

/** The deliveries of one scope. */
export function deliveryService(context: LifecycleContext, identity: ScopeIdentity): DeliveryService {
  const { store, clock, relay } = context;
  const { tenantId } = identity;
  /** What the hook of a request is told: a service is asked for, and set up by the run that has its id. */
  const requested = async (customer: Customer, serviceId: string) => {
    const { services, runs } = store.tenant(tenantId);
    const [service, run] = await Promise.all([services.get(serviceId), runs.get(serviceId)]);
    if (service?.customerId !== customer.id || !run) throw lifecycleErrors.SERVICE_NOT_FOUND({ serviceId });
    return { customer, run, service };
  };
  return {
    async parked(draft = {}) {
      const { limit, customerId } = readDraft(parkedQuery, draft);
      const ask = { limit: customerId === undefined ? limit : mostParked };
      const { items: found } = await store.outbox.parked(tenantId, ask);
      const own = found.filter(({ event }) => customerId === undefined || event.subject === customerId);
      return own.slice(0, limit).map(shown);
    },
    async retry(deliveryId) {
      if (!(await store.outbox.unpark(tenantId, { deliveryId })))
        throw lifecycleErrors.DELIVERY_NOT_FOUND({ deliveryId });
      relay.nudge();
      return { message: 'The delivery will be tried again.' };
    },
    async replay(customerId, draft) {
      const { hook, serviceId } = readDraft(replayInput, draft);
      const customer = await store.tenant(tenantId).customers.get(customerId);
      if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
      if (!hooksOf(context, hook).afterCommit) throw lifecycleErrors.HOOK_NOT_FOUND({ hook });
      const state = serviceId === undefined ? customer : await requested(customer, serviceId);
      const told = { customerId, at: clock.now(), state };
      await store.outbox.append(entriesForHook(context, identity, hook, told));
      return { message: `The hook ${hook} will be run again.` };
    },
  };
}

function shown({ subscriber, event, deliveryId: id, attempts, parkedAt, reason }: ParkedEntry): ParkedDelivery {
  return { id, subscriber, eventType: event.name, customerId: event.subject, attempts, parkedAt, reason };
}
