import type { ParkedEntry, ScopeIdentity } from '@dotmac/core';
import { readDraft, type Page } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { entriesForHook, happened, recordChange } from '../customers/record.js';
import { lifecycleErrors } from '../errors.js';
import { hooksOf, type HookName } from '../hooks.js';
import { hookAfter } from '../provisioning/hook-steps.js';
import { parkedQuery, replayInput, type ParkedDelivery, type ParkedDraft, type ReplayDraft } from './parked.js';

/** What one tenant's hooks, senders and subscribers could not be told. */
export interface DeliveryService {
  /**
   * Deliveries that were given up after all their attempts, oldest first, a page at a time. Those of one customer are
   * looked for among all: a page of them may be short, or empty, before the last one.
   */
  parked(draft?: ParkedDraft): Promise<Page<ParkedDelivery>>;
  /** Has a parked delivery tried again, with all its attempts. @throws DELIVERY_NOT_FOUND */
  retry(deliveryId: string): Promise<{ message: string }>;
  /** Removes a parked delivery: it is never made; the customer's history says so. @throws DELIVERY_NOT_FOUND */
  discard(deliveryId: string): Promise<{ message: string }>;
  /**
   * Runs an `afterCommit` hook once more for a customer, with the state that the customer and the named service have now,
   * and, of an operation, its last run; after what hooks are still to be told of that customer already.
   * @throws CUSTOMER_NOT_FOUND, HOOK_NOT_FOUND, SERVICE_NOT_FOUND, OPERATION_NOT_FOUND (this was not done to the service)
   */
  replay(customerId: string, draft: ReplayDraft): Promise<{ message: string }>;
}

/** Those of one customer are looked for among so many for one page, and so many at once. */
const mostSearched = 5_000;
const searchedAtOnce = 500;
/** An operation that a hook is told of again is looked for among so many runs of its service. */
const mostRuns = 100;

/** The deliveries of one scope. */
export function deliveryService(context: LifecycleContext, identity: ScopeIdentity): DeliveryService {
  const { store, clock, relay } = context;
  const { tenantId } = identity;
  /** What a hook on a service is told: the service as it is now, and the last run that the hook can be about. */
  const stateOf = async (customer: Customer, serviceId: string, hook: HookName): Promise<object> => {
    const { services, runs } = store.tenant(tenantId);
    const service = await services.get(serviceId);
    if (service?.customerId !== customer.id) throw lifecycleErrors.SERVICE_NOT_FOUND({ serviceId });
    if (hook.startsWith('service.')) return { customer, service };
    // A service is asked for, and set up by the run that has its id.
    const run =
      hook === 'customer.requestService'
        ? await runs.get(serviceId)
        : (await runs.listFor(serviceId, mostRuns)).find((each) => each.nextAt === null && hookAfter(each) === hook);
    if (!run) throw lifecycleErrors.OPERATION_NOT_FOUND({ serviceId, hook });
    return { customer, run, service };
  };
  return {
    async parked(draft = {}) {
      const { limit, cursor, customerId } = readDraft(parkedQuery, draft);
      let after = cursor ?? null;
      let rows = customerId === undefined ? limit : searchedAtOnce;
      for (let searched = 0; ;) {
        const { items, nextCursor } = await store.outbox.parked(tenantId, { limit: rows, after });
        const own = items.filter(({ event }) => customerId === undefined || event.subject === customerId);
        if (own.length > limit) {
          // Once more, as far as the last that fits: the next page begins behind it.
          rows = items.indexOf(own[limit - 1] as ParkedEntry) + 1;
          continue;
        }
        searched += rows;
        if (own.length > 0 || nextCursor === null || searched >= mostSearched)
          return { items: own.map(shown), nextCursor };
        [after, rows] = [nextCursor, searchedAtOnce];
      }
    },
    async retry(deliveryId) {
      if (!(await store.outbox.unpark(tenantId, { deliveryId })))
        throw lifecycleErrors.DELIVERY_NOT_FOUND({ deliveryId });
      relay.nudge();
      return { message: 'The delivery will be tried again.' };
    },
    async discard(deliveryId) {
      await store.transaction(async (trx) => {
        const found = await store.outbox.discard(tenantId, { deliveryId }, trx);
        if (!found) throw lifecycleErrors.DELIVERY_NOT_FOUND({ deliveryId });
        const { subscriber, event } = found;
        const customer = await store.tenant(tenantId).customers.lock(event.subject, trx);
        // An address that was asked about may be nobody's.
        if (!customer) return;
        const at = Math.max(clock.now(), customer.updatedAt);
        const data = { subscriber, eventType: event.name };
        const events = [happened(identity, customer.id, at, { name: 'customer.delivery_discarded', data })];
        await recordChange(
          context,
          customer,
          { ...customer, version: customer.version + 1, updatedAt: at },
          events,
          trx,
        );
      });
      return { message: 'The delivery was removed.' };
    },
    async replay(customerId, draft) {
      const { hook, serviceId } = readDraft(replayInput, draft);
      const { customers } = store.tenant(tenantId);
      // Once more at the most: nobody is erased twice.
      for (let isQueued = false; !isQueued;) {
        const customer = await customers.get(customerId);
        if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
        if (!hooksOf(context, hook).afterCommit) throw lifecycleErrors.HOOK_NOT_FOUND({ hook });
        const state = serviceId === undefined ? customer : await stateOf(customer, serviceId, hook);
        const told = entriesForHook(context, identity, hook, { customerId, at: clock.now(), state });
        isQueued = await store.transaction(async (trx) => {
          // What an erasure took away since it was read is not to come back by this.
          const now = await customers.lock(customerId, trx);
          if (now?.erasedAt !== customer.erasedAt) return false;
          await store.outbox.append(told, trx);
          return true;
        });
      }
      return { message: `The hook ${hook} will be run again.` };
    },
  };
}

function shown({ subscriber, event, deliveryId: id, attempts, parkedAt, reason }: ParkedEntry): ParkedDelivery {
  return { id, subscriber, eventType: event.name, customerId: event.subject, attempts, parkedAt, reason };
}
