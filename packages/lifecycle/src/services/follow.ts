import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { happened, recordChange } from '../customers/record.js';
import { stoppedBefore } from '../provisioning/may-give.js';
import type { Timer } from '../timers/timer.js';
import type { ServiceAccess, ServiceInstance } from './instance.js';
import { cannotTell, settleService } from './settle.js';

/** Services whose template is not registered here are looked at again after this. */
const unknownTemplateMs = 60_000;

/**
 * Has a service follow its customer by a timer that was set where its template was not registered: begins what it needs
 * by now, in one transaction with the timer's end.
 * @returns when to come again (epoch ms); null: this timer is over
 */
export async function takeFollowing(
  context: LifecycleContext,
  tenantId: string,
  { id, customerId, setBy, input: { service: serviceId = '' } }: Timer,
): Promise<number | null> {
  const { store, clock, logger } = context;
  const { customers, services, timers } = store.tenant(tenantId);
  const [seen, of] = [await services.get(serviceId), await customers.get(customerId)];
  // It may have been told something halfway, and nothing was begun since for want of its template.
  const mayGive = async ({ access }: ServiceInstance, trx?: StoreTransaction): Promise<readonly ServiceAccess[]> => [
    access,
    ...(await stoppedBefore(context, { tenantId, serviceId }, trx)),
  ];
  if (seen && of && cannotTell(context, seen, of, await mayGive(seen))) {
    const { serviceName, templateVersion } = seen;
    // It is not moved: another process may have the template, and would find it due later each time.
    logger.error(
      { tenantId, serviceId, serviceName, templateVersion },
      'a service cannot follow: it waits for its template',
    );
    return clock.now() + unknownTemplateMs;
  }
  const identity: ScopeIdentity = { tenantId, actor: setBy };
  await store.transaction(async (trx) => {
    const customer = await customers.lock(customerId, trx);
    if (!(await timers.take(id, trx)) || !customer) return;
    const service = await services.lock(serviceId, trx);
    const at = Math.max(clock.now(), customer.updatedAt);
    const next =
      service && (await settleService(context, identity, service, customer, { at, trx }, await mayGive(service, trx)));
    if (!next) return;
    const event = happened(identity, customerId, at, next.event);
    await recordChange(context, customer, { ...customer, version: customer.version + 1, updatedAt: at }, [event], trx);
  });
  return null;
}
