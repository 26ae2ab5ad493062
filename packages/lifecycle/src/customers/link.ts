import type { ScopeIdentity } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { linkInput, type Customer, type LinkDraft } from './customer.js';
import type { CommandOptions } from './perform.js';
import { happened, recordChange } from './record.js';

/** Links a customer to a user of the host's own. The same link again changes nothing. */
export async function linkCustomer(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customerId: string,
  draft: LinkDraft,
  { trx: join }: CommandOptions = {},
): Promise<Customer> {
  const { externalId } = readDraft(linkInput, draft);
  const { store, clock } = context;
  const { customers } = store.tenant(identity.tenantId);
  return store.transaction(async (trx) => {
    const before = await customers.lock(customerId, trx);
    if (!before) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
    if (before.externalId === externalId) return before;
    if (externalId !== null && (await customers.byExternalId(externalId, trx)))
      throw lifecycleErrors.CUSTOMER_EXISTS({ field: 'external_id' });
    const at = Math.max(clock.now(), before.updatedAt);
    const customer = { ...before, externalId, version: before.version + 1, updatedAt: at };
    const event = happened(identity, customerId, at, { name: 'customer.linked', data: { externalId } });
    await recordChange(context, before, customer, [event], trx);
    return customer;
  }, join);
}
