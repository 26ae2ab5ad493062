import { newId, type OperationError, type ScopeIdentity, type StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { termsOf } from '../search/terms.js';
import { issueFirstTokens } from '../verification/issue.js';
import type { Customer, Registration } from './customer.js';
import { beginHistories, happened, type PendingEvent } from './record.js';

/** A customer that was registered with what happened to it, or why it was not. */
export type Registered = { customer: Customer; event: PendingEvent } | { error: OperationError };

/**
 * Registers customers in a transaction, a few statements for all of them, and sends them their tokens. It comes to what it
 * would come to one after another: who has a name of somebody before him is refused, and holds nobody up. Hooks are the
 * caller's.
 */
export async function registerAll(
  context: LifecycleContext,
  identity: ScopeIdentity,
  inputs: readonly Registration[],
  trx: StoreTransaction,
): Promise<Registered[]> {
  const { customers } = context.store.tenant(identity.tenantId);
  const asked = inputs.map((input) => newCustomer(identity, input, context.clock.now()));
  const registered = (await customers.insert(asked, trx)).map((insertion, index): Registered => {
    if (insertion !== 'inserted') return { error: lifecycleErrors.CUSTOMER_EXISTS({ field: insertion }) };
    const customer = asked[index] as Customer;
    return { customer, event: registrationOf(customer) };
  });
  const made = registered.filter((it) => 'customer' in it);
  const found = made.map(({ customer }) => {
    return { customer, add: termsOf(customer, context.searchableAttributes), remove: [] };
  });
  await customers.changeTerms(found, trx);
  // Who waits for approval can make no use of a token, and is sent one with it.
  const letIn = made.flatMap(({ customer }) => (customer.approval === 'pending' ? [] : customer));
  const sending = await issueFirstTokens(context, identity, letIn, trx);
  const events = made.map(({ customer, event }) => happened(identity, customer.id, customer.createdAt, event));
  await beginHistories(context, identity.tenantId, events, sending, trx);
  return registered;
}

function newCustomer({ tenantId }: ScopeIdentity, input: Registration, now: number): Customer {
  const { requiresApproval, termsAccepted: _, privacyPolicyAccepted: __, ...rest } = input;
  const { phone, referralCode, externalId, ...given } = rest;
  return {
    ...given,
    id: newId(),
    tenantId,
    version: 1,
    stage: 'registration',
    churningFrom: null,
    approval: requiresApproval ? 'pending' : 'not_required',
    externalId: externalId ?? null,
    phone: phone ?? null,
    referralCode: referralCode ?? null,
    termsAcceptedAt: now,
    onboardingData: {},
    blocks: [],
    emailVerifiedAt: null,
    phoneVerifiedAt: null,
    erasedAt: null,
    createdAt: now,
    updatedAt: now,
  };
}

function registrationOf({ stage: to, approval, registrationSource, referralCode }: Customer): PendingEvent {
  const data = { to, requiresApproval: approval === 'pending', registrationSource, referralCode };
  return { name: 'customer.registered', data };
}
