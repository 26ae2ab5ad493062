import { newId, type AnyEvent, type Clock } from '@dotmac/core';
import type { HealthEvents } from '../events.js';
import type { HealthMetrics } from '../metrics.js';
import type { Directory } from '../monitoring/directory.js';
import type { Term } from '../store/sharing.js';
import type { HealthStore, Settlement } from '../store/store.js';
import type { Calendar } from '../windows/calendar.js';
import { createDoubt, type Receipted } from './doubt.js';
import { isLeaseLost } from './fenced.js';
import { pendingBuckets, type PendingBuckets } from './pending-buckets.js';
import { pendingHanded, type PendingHanded } from './pending-handed.js';
import { pendingChanges, type PendingChanges } from './pending-changes.js';
import { pendingResults, type PendingResults } from './pending-results.js';

/** What was noted of endpoints and is not stored yet, and the one way into the store that there is for it. */
export interface Settler {
  readonly results: PendingResults;
  readonly buckets: PendingBuckets;
  readonly changes: PendingChanges;
  readonly handed: PendingHanded;
  /**
   * Stores all that waits of these endpoints, in one transaction. When the store does not say that it has, it waits on,
   * and so does all else until it is known what became of it.
   * @throws what the store throws
   */
  settle(endpointIds: readonly string[]): Promise<void>;
  /** Finds out what became of a settlement that the store did not confirm. Rejects when the store does not say. */
  resolveDoubt(): Promise<void>;
  /** Whether anything waits, or is in doubt. */
  isWaiting(): boolean;
  /** Whether a settlement is in doubt. */
  isInDoubt(): boolean;
  /** Results that wait, those of a settlement in doubt included. */
  waitingResults(): number;
  /** Forgets all of it. */
  drop(): void;
}

/** What a settler works with. */
export interface SettlerOptions {
  store: HealthStore;
  directory: Directory;
  /** Says which minutes are planned maintenance, when they are stored. */
  calendar: Pick<Calendar, 'planned'>;
  /** The lease under which this process writes. While it has none it adds to sums, and writes nothing else. */
  term: () => Term | undefined;
  /** Told when the store knows of another process that took it. */
  onFenced: () => void;
  publish: (events: readonly AnyEvent<HealthEvents>[]) => void;
  clock: Clock;
  metrics: HealthMetrics | undefined;
  /** Results that wait in memory while the store is out of reach; beyond, the oldest go. */
  maxPending: number;
  /** How many results of each endpoint are kept. */
  rings: { recent: number; issues: number };
}

/** Who is told of the endpoints of a settlement that was in doubt. */
interface DoubtTold {
  kept(endpointIds: readonly string[]): void;
  lost(endpointIds: readonly string[]): void;
}

/** The endpoints that a settlement keeps the states of. */
const idsOf = ({ states }: Settlement): string[] => states.map(({ endpoint }) => endpoint.id);

/** Makes a settler of which nothing waits. */
export function createSettler(options: SettlerOptions, told: DoubtTold): Settler {
  const { store, directory, calendar, term, onFenced, publish, clock, metrics, maxPending, rings } = options;
  const results = pendingResults({ rings, most: maxPending });
  const buckets = pendingBuckets();
  const changes = pendingChanges();
  const handed = pendingHanded();
  const doubt = createDoubt(store);
  const process = newId();
  /** How many settlements there were. */
  let number = 0;
  /** How often everything was dropped. */
  let dropped = 0;

  const putBack = (settlement: Receipted): void => {
    results.putBack(settlement.chunks);
    buckets.putBack(settlement.deltas, clock.now());
    changes.putBack(settlement);
    handed.putBack(settlement.handed);
    for (const id of [...idsOf(settlement), ...settlement.handed.map(({ endpointId }) => endpointId)]) changes.add(id);
  };
  const resolveDoubt = (): Promise<void> =>
    doubt.resolve({
      kept(settlement) {
        handed.left(settlement.handed);
        told.kept(idsOf(settlement));
        publish(settlement.events);
      },
      lost(settlement) {
        putBack(settlement);
        told.lost(idsOf(settlement));
      },
    });

  return {
    results,
    buckets,
    changes,
    handed,
    async settle(ids) {
      await resolveDoubt();
      const [under, round] = [term(), dropped];
      const isPlanned = await calendar.planned(ids.flatMap((id) => directory.get(id)?.endpoint.tenantId ?? []));
      // Dropped meanwhile: whoever monitors now tells of it.
      if (round !== dropped) return;
      const settlement: Receipted = {
        chunks: ids.flatMap((id) => results.takeOf(id)),
        deltas: ids.flatMap((id) => {
          const endpoint = directory.get(id)?.endpoint;
          return buckets.takeOf(id, endpoint && ((minute) => isPlanned(endpoint, minute)));
        }),
        states: ids.flatMap((id) => {
          const kept = directory.get(id);
          if (!kept) results.forget(id);
          // As of now: checks that come while this is written belong to the next settlement.
          return kept && under ? [{ ...kept }] : [];
        }),
        ...changes.takeOf(ids),
        handed: handed.takeOf(ids),
        receipt: { process, number: ++number },
      };
      const startedAt = clock.monotonic();
      try {
        await store.settle(settlement, under);
        metrics?.flushed(clock.monotonic() - startedAt, 'stored');
      } catch (error) {
        metrics?.flushed(clock.monotonic() - startedAt, 'failed');
        // What was dropped meanwhile is nobody's any more.
        if (round === dropped) {
          if (isLeaseLost(error)) {
            putBack(settlement);
            onFenced();
          } else doubt.raise(settlement);
        }
        throw error;
      }
      handed.left(settlement.handed);
      publish(settlement.events);
    },
    resolveDoubt,
    isWaiting: () => doubt.isRaised || [results, buckets, changes].some(({ size }) => size > 0),
    isInDoubt: () => doubt.isRaised,
    waitingResults: () => results.size + doubt.results,
    drop() {
      dropped++;
      for (const part of [results, buckets, changes, handed, doubt]) part.clear();
    },
  };
}
