import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { happened, recordChange, type PendingEvent } from '../customers/record.js';

/** Adds what happened in dunning to a customer's history. */
export async function recordDunning(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customer: Customer,
  event: PendingEvent,
  { at, trx }: { at: number; trx: StoreTransaction },
): Promise<void> {
  const after = { ...customer, version: customer.version + 1, updatedAt: at };
  await recordChange(context, customer, after, [happened(identity, customer.id, at, event)], trx);
}
