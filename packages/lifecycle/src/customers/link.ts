import type { ScopeIdentity } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { linkInput, type Customer, type LinkDraft } from './customer.js';
import { takeTurn } from './turn.js';
import { runBefore, runInTransaction } from './perform.js';
import type { CommandOptions } from './command-options.js';
import { lockToChange } from './lock.js';
import { happened, recordChange } from './record.js';

/** Links a customer to a user of the host's own. The same link again changes nothing. */
export async function linkCustomer<Answer>(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customerId: string,
  draft: LinkDraft,
  answer: (customer: Customer) => Answer,
  options?: CommandOptions,
): Promise<Answer> {
  const input = readDraft(linkInput, draft);
  const { externalId } = input;
  const { store, clock } = context;
  const { customers } = store.tenant(identity.tenantId);
  const turn = await takeTurn<Answer>(context, identity, { command: 'link', subject: customerId, input }, options);
  if (turn.first !== undefined) return turn.first;
  const told = { customerId, externalId };
  await runBefore(context, identity, 'customer.link', told);
  return turn.commit(async (trx) => {
    const before = await lockToChange(context, identity.tenantId, customerId, trx);
    if (before.externalId === externalId) return { answer: answer(before), customer: before };
    if (externalId !== null && (await customers.byExternalId(externalId, trx)))
      throw lifecycleErrors.CUSTOMER_EXISTS({ field: 'external_id' });
    const at = Math.max(clock.now(), before.updatedAt);
    const customer = { ...before, externalId, version: before.version + 1, updatedAt: at };
    const data = { externalId, formerExternalId: before.externalId };
    const event = happened(identity, customerId, at, { name: 'customer.linked', data });
    await recordChange(context, before, customer, [event], trx);
    await runInTransaction(context, identity, 'customer.link', { customerId, at, input: told, state: customer }, trx);
    return { answer: answer(customer), customer };
  });
}
