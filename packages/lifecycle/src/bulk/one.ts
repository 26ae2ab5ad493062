import { isOperationError, type ScopeIdentity, type StoreTransaction } from '@dotmac/core';
import { commandsOf } from '../commands/dispatch.js';
import { commandService } from '../commands/service.js';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { lifecycleErrors } from '../errors.js';
import type { BulkOperation } from './operation.js';
import { failedFor, refusedFor, type BulkResult } from './plan.js';
import { advanceTo, overtaken, withOutcomes } from './progress.js';

/** For so long what may pass is tried again: then it is this customer's, and holds up the others no more. */
const patienceMs = 300_000;

/** Is it worth it to try again soon? All else is listed as a refusal. */
function isPassing(
  { standstills, clock }: LifecycleContext,
  { id }: BulkOperation,
  customerId: string,
  error: unknown,
) {
  if (!isOperationError(error) || !(error.kind === 'unavailable' || error.code === 'CONCURRENT_CHANGE')) return false;
  const known = standstills.get(id);
  const since = known?.customerId === customerId ? known.since : clock.now();
  standstills.set(id, { customerId, since });
  return clock.now() - since < patienceMs;
}

/** Gives a command to one customer, with its hooks and services, in one transaction with the step of the operation. */
export async function doOne(
  context: LifecycleContext,
  identity: ScopeIdentity,
  operation: BulkOperation,
  customerId: string,
): Promise<BulkOperation> {
  const { store } = context;
  const { customers } = store.tenant(identity.tenantId);
  const before = await customers.get(customerId);
  const pass = ({ refusal, ...result }: BulkResult) =>
    store.transaction(async (trx) => {
      // What a veto said of somebody who was erased meanwhile is not kept.
      const isErased = async () =>
        before?.erasedAt === null && (await customers.lock(customerId, trx))?.erasedAt !== null;
      const kept = refusal && (await isErased()) ? { ...refusal, message: '' } : refusal;
      return advanceTo(context, operation, { results: [{ ...result, refusal: kept }] }, trx);
    });
  try {
    if (!before) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
    return operation.dryRun
      ? await pass(await tryOne(context, identity, operation, before))
      : await giveOne(context, identity, operation, before);
  } catch (error) {
    if (error === overtaken || isPassing(context, operation, customerId, error)) throw error;
    return pass(failedFor(context, customerId, before, error));
  }
}

async function giveOne(
  context: LifecycleContext,
  identity: ScopeIdentity,
  operation: BulkOperation,
  { id: customerId, stage: from }: Customer,
): Promise<BulkOperation> {
  const { customers } = context.store.tenant(identity.tenantId);
  const { command, input } = operation;
  // Where it led is known when it is over. Should that never be noted, the count is right all the same.
  let after = operation;
  const claim = async (trx: StoreTransaction): Promise<boolean> => {
    after = await advanceTo(context, operation, { results: [{ customerId, from, to: null, refusal: null }] }, trx);
    return true;
  };
  await commandsOf(context, identity)[command](customerId, input, { claim });
  const to = (await customers.get(customerId))?.stage ?? null;
  return { ...after, outcomes: withOutcomes(operation.outcomes, [{ customerId, from, to, refusal: null }]) };
}

async function tryOne(
  context: LifecycleContext,
  identity: ScopeIdentity,
  { command, input }: BulkOperation,
  { id: customerId, stage: from }: Customer,
): Promise<BulkResult> {
  const draft = { command: command as 'restore', input };
  const { code, reason, to } = await commandService(context, identity).dryRun(customerId, draft);
  if (code === null) return { customerId, from, to, refusal: null };
  return refusedFor(customerId, from, { code, message: reason ?? '' });
}
