import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { changeTimers } from '../timers/change.js';
import type { ServiceAccess, ServiceInstance } from './instance.js';
import { nextOperation, wantedAccess } from './operation.js';
import { following, followingName } from './settle.js';

/** A service that does not give what it should. */
export interface LeftBehind {
  service: ServiceInstance;
  wanted: ServiceAccess;
}

/**
 * Those of a customer's services that do not give what they should, and that nothing sees to, neither a run nor a timer: a
 * version that knew no such timers passed over those whose template it did not have. Of one whose template is not
 * registered here, nothing can be told.
 */
export async function leftBehind(
  { store, templates }: Pick<LifecycleContext, 'store' | 'templates'>,
  customer: Customer,
  services: readonly ServiceInstance[],
): Promise<LeftBehind[]> {
  const behind = services.flatMap((service): LeftBehind[] => {
    const template = templates.of(service);
    if (!template || nextOperation(service, customer, template.exemptFrom) === null) return [];
    return [{ service, wanted: wantedAccess(service, customer, template.exemptFrom) ?? 'none' }];
  });
  if (behind.length === 0) return [];
  const timers = await store.tenant(customer.tenantId).timers.listFor(customer.id);
  const names = new Set(timers.map(({ name }) => name));
  return behind.filter(({ service }) => !names.has(followingName(service)));
}

/** Has services follow their customer: each by a timer, which judges them anew. */
export async function haveFollow(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customerId: string,
  services: readonly ServiceInstance[],
): Promise<void> {
  const { store, clock } = context;
  await store.transaction(async (trx) => {
    const customer = await store.tenant(identity.tenantId).customers.lock(customerId, trx);
    if (!customer) return;
    const at = Math.max(clock.now(), customer.updatedAt);
    const timers = services.map((service) => following(service, at));
    await changeTimers(context, identity, customerId, timers, { at, trx });
  });
}
