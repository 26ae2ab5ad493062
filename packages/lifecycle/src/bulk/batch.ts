import type { AnyEvent, ScopeIdentity, StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { announce, happened } from '../customers/record.js';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleEvents } from '../events.js';
import { followJourneys } from '../journeys/follow.js';
import { changedTerms } from '../search/terms.js';
import type { BulkOperation } from './operation.js';
import { planOne, refusedFor, type BulkResult, type PlannableStep, type Planned } from './plan.js';
import { advanceTo } from './progress.js';

/**
 * Gives a command to many customers in one transaction: rows, history, outbox, refusals, and how far the operation is.
 * Those from the first that has services on are left for later: their services follow one by one.
 */
export function doBatch(
  context: LifecycleContext,
  identity: ScopeIdentity,
  operation: BulkOperation,
  step: PlannableStep,
  ids: readonly string[],
): Promise<BulkOperation> {
  const { store, clock } = context;
  const { bulk } = store.tenant(identity.tenantId);
  const { dryRun } = operation;
  return store.transaction(async (trx) => {
    const customers = await (dryRun ? bulk.read(ids, trx) : bulk.lock(ids, trx));
    const served = dryRun ? undefined : await bulk.served(ids, trx);
    const found = new Map(customers.map((customer) => [customer.id, customer]));
    const first = served ? ids.findIndex((id) => served.has(id)) : -1;
    const done = first < 0 ? ids : ids.slice(0, first);
    if (done.length === 0) return operation;
    // Not before what is recorded already, should the clock have been set back.
    let at = clock.now();
    for (const id of done) at = Math.max(at, found.get(id)?.updatedAt ?? 0);
    const planned: Planned[] = [];
    const results: BulkResult[] = [];
    for (const id of done) {
      const before = found.get(id);
      const plan = before
        ? await planOne(step, before, at)
        : refusedFor(id, null, lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId: id }));
      if ('after' in plan) {
        planned.push(plan);
        results.push({ customerId: id, from: plan.before.stage, to: plan.after.stage, refusal: null });
      } else results.push(plan);
    }
    if (!dryRun) await write(context, identity, planned, at, trx);
    return advanceTo(context, operation, { results }, trx);
  });
}

/** Writes what was planned: what `perform` writes for one. Words that are said of many are no one's own, and not sealed. */
async function write(
  context: LifecycleContext,
  identity: ScopeIdentity,
  planned: readonly Planned[],
  at: number,
  trx: StoreTransaction,
): Promise<void> {
  if (planned.length === 0) return;
  const { store, relay, journeys, searchableAttributes } = context;
  const changes = planned.map(({ before, after, event, cleared }) => {
    return { before, after, cleared, event: happened(identity, after.id, at, event) };
  });
  const { bulk, customers } = store.tenant(identity.tenantId);
  await bulk.apply(changes, trx);
  const found = planned.map(({ before, after }) => {
    return { customer: after, ...changedTerms(before, after, searchableAttributes) };
  });
  await customers.changeTerms(found, trx);
  const events: AnyEvent<LifecycleEvents>[] = changes.map(({ event }) => event);
  await relay.publish(events, trx);
  if (journeys.length > 0)
    for (const event of events) await followJourneys(context, identity, event.subject, [event], { at, trx });
  store.afterCommit(trx, () => {
    for (const event of events) announce(context, event);
  });
}
