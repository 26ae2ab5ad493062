import type { AnyEvent, ScopeIdentity, StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { announce, happened } from '../customers/record.js';
import type { LifecycleEvents } from '../events.js';
import { followJourneys } from '../journeys/follow.js';
import { changedTerms } from '../search/terms.js';
import type { BulkChange } from '../store/store.js';
import type { BulkOperation } from './operation.js';
import type { BulkResult, Planned } from './plan.js';
import { advanceTo } from './progress.js';

/** What a command comes to for neighbours that it is given to at once, as it will be written. */
export interface Batch {
  results: readonly BulkResult[];
  write: (trx: StoreTransaction) => Promise<void>;
}

/** Customers that are not as they were when they were judged. */
class Stale extends Error {
  constructor(readonly customerIds: readonly string[]) {
    super('customers have changed meanwhile');
  }
}

/** Prepares what a command comes to, for `writeBatch`; of a dry run nothing is written. */
export function prepareBatch(
  context: LifecycleContext,
  identity: ScopeIdentity,
  judged: readonly (Planned | BulkResult)[],
  dryRun: boolean,
): Batch {
  const planned = judged.filter((it) => 'after' in it);
  const results = judged.map((it): BulkResult =>
    'after' in it ? { customerId: it.before.id, from: it.before.stage, to: it.after.stage, refusal: null } : it,
  );
  const isIdle = dryRun || planned.length === 0;
  return { results, write: isIdle ? () => Promise.resolve() : prepareWrite(context, identity, planned) };
}

/** What `perform` writes for one. Words that are said of many are no one's own, and not sealed (`hasOwnWords`). */
function prepareWrite(context: LifecycleContext, identity: ScopeIdentity, planned: readonly Planned[]): Batch['write'] {
  const { store, relay, journeys, searchableAttributes } = context;
  const { bulk } = store.tenant(identity.tenantId);
  const changes = planned.map(({ before, after, event, cleared }): BulkChange => {
    const terms = changedTerms(before, after, searchableAttributes);
    return { before, after, cleared, terms, event: happened(identity, after.id, after.updatedAt, event) };
  });
  const events: AnyEvent<LifecycleEvents>[] = changes.map(({ event }) => event);
  const apply = bulk.prepare(changes, relay.entriesOf(events));
  return async (trx) => {
    const stale = await apply(trx);
    if (stale.length > 0) throw new Stale(stale);
    if (journeys.length > 0)
      for (const event of events)
        await followJourneys(context, identity, event.subject, [event], { at: event.at, trx });
    store.afterCommit(trx, () => {
      for (const event of events) announce(context, event);
    });
  };
}

/** How far an operation is after a batch; or, when nothing was written, who has changed since they were judged. */
export type Written = BulkOperation | { stale: readonly string[] };

/** A batch that is being written. */
export interface Writing {
  /** Resolves when no row of a customer is to be written any more, whatever becomes of it. */
  rows: Promise<void>;
  done: Promise<Written>;
}

/**
 * Writes a batch in one transaction: rows, history, outbox, refusals, and how far the operation is. It begins when the one
 * `before` it has all of its rows, and commits after that one alone; where nothing was written of it, nothing is of this.
 */
export function writeBatch(context: LifecycleContext, before: Writing, { results, write }: Batch): Writing {
  let haveRows = (): void => undefined;
  const rows = new Promise<void>((resolve) => (haveRows = resolve));
  const begin = async (): Promise<Written> => {
    // Not sooner: waited for by this one, it must not wait itself for who else has customers of both. No database sees
    // that circle.
    await before.rows;
    return context.store.transaction(async (trx) => {
      await write(trx);
      haveRows();
      const operation = await before.done;
      if ('stale' in operation) throw new Stale(operation.stale);
      return advanceTo(context, operation, { results }, trx);
    });
  };
  const done = begin()
    .catch((error: unknown) => {
      if (error instanceof Stale) return { stale: error.customerIds };
      throw error;
    })
    .finally(haveRows);
  // Who waits for it is told.
  done.catch(() => undefined);
  return { rows, done };
}
