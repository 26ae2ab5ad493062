import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { foldOn, type Folded } from '../customers/fold.js';
import { saidOn, type Said } from '../customers/said.js';
import { openEntries } from '../privacy/vault.js';
import { differenceOf, termsOf, type SearchTerm } from '../search/terms.js';
import { foldServices, type FoldedService } from '../services/fold.js';
import type { ServiceInstance } from '../services/instance.js';
import { haveFollow, leftBehind } from '../services/left-behind.js';
import type { HistoryEntry } from '../store/store.js';
import { compareAccess, compareFold, compareSaid, compareServices, compareTerms } from './compare.js';
import { driftLines, type DriftAsk } from './drift.js';
import type { DriftLine } from './drift-line.js';
import type { ConsistencyLine, Difference } from './report.js';

/** How a check is made. */
export interface ConsistencyAsk {
  /** Have customers be found by what they are, where they are not. Default false. */
  repairSearch?: boolean | undefined;
  /**
   * Have services follow their customer that were left behind, each by a timer `follow:<service id>`. Default false.
   */
  repairServices?: boolean | undefined;
  /** Stops it between two batches. */
  signal?: AbortSignal | undefined;
}

/** Checks what one tenant keeps. */
export interface ConsistencyService {
  /**
   * Is every customer's row what its history says, are the services that its history speaks of, do they give what they
   * should or does something see to it, and is it found by what it is? Goes through all of them in batches, beside whatever else happens: a customer that changes meanwhile is compared
   * as it was when it was read, its profile, the words of its reasons and its services not at all. Each one that differs,
   * and each history that has no customer any more, is a line; the last line says how many.
   *
   * @example
   * for await (const line of scope.consistency.check({ signal })) if (line.kind === 'difference') report(line);
   */
  check(ask?: ConsistencyAsk): AsyncIterable<ConsistencyLine>;
  /**
   * Asks the systems behind services, by the `reconcile` of their steps, whether what was set up is still there: all that
   * are active or suspended, newest first, a few at once. Each one that is not as it should be is a line, the last line
   * says how many. Changes nothing.
   *
   * @example
   * for await (const line of scope.consistency.drift({ signal })) if (line.kind === 'drifted') repair(line.serviceId);
   */
  drift(ask?: DriftAsk): AsyncIterable<DriftLine>;
}

const atOnce = 200;
/** Histories of up to so many events are read several at a time. */
const short = 100;

/** The consistency of one scope. */
export function consistencyService(context: LifecycleContext, identity: ScopeIdentity): ConsistencyService {
  const { store, searchableAttributes } = context;
  const { tenantId } = identity;
  const { customers, history, services } = store.tenant(tenantId);

  const histories = async (batch: readonly Customer[]): Promise<Map<string, HistoryEntry[]>> => {
    const ids = batch.filter(({ version }) => version <= short).map(({ id }) => id);
    const byCustomer = new Map<string, HistoryEntry[]>();
    for (const entry of ids.length === 0 ? [] : await history.ofMany(ids)) {
      const own = byCustomer.get(entry.event.subject) ?? [];
      own.push(entry);
      byCustomer.set(entry.event.subject, own);
    }
    return byCustomer;
  };
  /** Plays a history as far as the row has come. */
  const played = async ({ id, version }: Customer, read: HistoryEntry[] | undefined) => {
    let [state, seq, isWhole]: [Folded | undefined, number, boolean] = [undefined, 0, true];
    let ofServices = new Map<string, FoldedService>();
    let said: Said | undefined;
    for (;;) {
      const entries = (read ?? (await history.readFrom(id, { after: seq, limit: 500 }))).filter(
        (entry) => entry.seq <= version,
      );
      isWhole &&= entries.every((entry, index) => entry.seq === seq + index + 1);
      const events = entries.map(({ event }) => event);
      if (events.length > 0) state = foldOn(state, events);
      ofServices = foldServices(events, ofServices);
      said = saidOn(said, await openEntries(context, tenantId, id, entries));
      seq = entries.at(-1)?.seq ?? seq;
      if (read || entries.length < 500) return { state: state ?? foldOn(undefined, []), said, isWhole, ofServices };
    }
  };
  const servicesOf = async (customerId: string): Promise<ServiceInstance[]> => {
    const found: ServiceInstance[] = [];
    let cursor: string | undefined;
    do {
      const { items, nextCursor } = await services.list({ customerId, limit: atOnce, cursor });
      found.push(...items);
      cursor = nextCursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  };
  /**
   * Services are changed with their customer alone, and what events say of it is taken away with an erasure: of one that is
   * as it was they were not changed either.
   */
  const ifAsItWas = async ({ id, version }: Customer, differences: Difference[]): Promise<Difference[]> =>
    differences.length > 0 && (await customers.get(id))?.version === version ? differences : [];
  const differencesOf = async (
    customer: Customer,
    { read, terms, isOwner }: { read: HistoryEntry[] | undefined; terms: readonly SearchTerm[]; isOwner: boolean },
  ): Promise<Difference[]> => {
    const { state, said, isWhole, ofServices } = await played(customer, read);
    // Of either alone the other knows nothing: that is a difference, too.
    const isServed = isOwner || ofServices.size > 0;
    const gaps = isWhole ? [] : [{ field: 'history', row: `${customer.version} events`, history: 'has gaps' }];
    const kept = isServed ? await servicesOf(customer.id) : [];
    const ofTerms = compareTerms(customer, terms, searchableAttributes);
    return [
      ...gaps,
      ...compareFold(customer, state),
      ...(await ifAsItWas(customer, compareSaid(customer, said))),
      ...(await ifAsItWas(customer, compareServices(kept, ofServices))),
      ...(await ifAsItWas(customer, compareAccess(await leftBehind(context, customer, kept)))),
      ...ofTerms,
    ];
  };
  const repair = (customerId: string): Promise<void> =>
    store.transaction(async (trx) => {
      const customer = await customers.lock(customerId, trx);
      const kept = (await customers.termsOf([customerId], trx)).get(customerId) ?? [];
      if (!customer) return;
      const change = differenceOf(kept, termsOf(customer, searchableAttributes));
      await customers.changeTerms([{ customer, ...change }], trx);
    });

  const follow = async (customer: Customer): Promise<void> => {
    const behind = await leftBehind(context, customer, await servicesOf(customer.id));
    const left = behind.map(({ service }) => service);
    await haveFollow(context, identity, customer.id, left);
  };

  return {
    drift: (ask = {}) => driftLines(context, tenantId, ask),
    async *check({ repairSearch = false, repairServices = false, signal } = {}) {
      let [checked, differing] = [0, 0];
      const line = (kind: ConsistencyLine['kind'], customerId: string | null, differences: Difference[]) => {
        return { kind, checked, differing, customerId, differences };
      };
      for (let after: string | undefined; ;) {
        signal?.throwIfAborted();
        const batch = await customers.scan(after, atOnce);
        const ids = batch.map(({ id }) => id);
        const [read, terms, owners] = await Promise.all([
          histories(batch),
          customers.termsOf(ids),
          services.ownersAmong(ids),
        ]);
        const served = new Set(owners);
        for (const customer of batch) {
          const { id, version } = customer;
          const differences = await differencesOf(customer, {
            read: version <= short ? (read.get(id) ?? []) : undefined,
            terms: terms.get(id) ?? [],
            isOwner: served.has(id),
          });
          checked += 1;
          if (differences.length === 0) continue;
          differing += 1;
          const isOf = (kind: RegExp) => differences.some(({ field }) => kind.test(field));
          if (repairSearch && isOf(/^search$/)) await repair(id);
          if (repairServices && isOf(/^access /)) await follow(customer);
          yield line('difference', id, differences);
        }
        after = ids.at(-1);
        if (batch.length < atOnce) break;
        yield line('progress', null, []);
      }
      for (let after: string | undefined; ;) {
        signal?.throwIfAborted();
        const lost = await history.orphans({ after, limit: atOnce });
        for (const id of lost) {
          differing += 1;
          yield line('difference', id, [{ field: 'customer', row: 'null', history: 'has events' }]);
        }
        after = lost.at(-1);
        if (lost.length < atOnce) break;
      }
      yield line('done', null, []);
    },
  };
}
