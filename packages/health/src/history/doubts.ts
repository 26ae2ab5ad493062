import type { HealthStore, Settlement } from '../store/store.js';

/** Settlements that a store failed to write, and may have kept all the same: the answer to a commit can be lost. */
export interface Doubts {
  readonly size: number;
  /** How many results are in them. */
  readonly results: number;
  add(settlement: Settlement): void;
  /**
   * Looks in the store what became of each, one after another, before anything else is written: `kept` is told of those
   * that are there, `lost` of those that are not. Rejects when the store does not say; what is left stays in doubt.
   */
  resolve(told: { kept: (settlement: Settlement) => void; lost: (settlement: Settlement) => void }): Promise<void>;
  clear(): void;
}

/** Makes an empty one. */
export function createDoubts(store: Pick<HealthStore, 'tenant'>): Doubts {
  const doubtful: Settlement[] = [];
  /** By the checks of the first endpoint that is still there: a settlement is kept whole, or not at all. */
  const wasKept = async ({ states }: Settlement): Promise<boolean> => {
    for (const { endpoint, checks } of states) {
      const stored = await store.tenant(endpoint.tenantId).get(endpoint.id);
      if (stored) return (stored.state?.checks ?? 0) >= checks;
    }
    return false;
  };
  return {
    get size() {
      return doubtful.length;
    },
    get results() {
      return doubtful.flatMap(({ chunks }) => chunks).reduce((sum, { added }) => sum + added, 0);
    },
    add: (settlement) => void doubtful.push(settlement),
    async resolve({ kept, lost }) {
      for (let [first] = doubtful; first; [first] = doubtful) {
        const isKept = await wasKept(first);
        // Cleared meanwhile: it is nobody's any more.
        if (doubtful[0] !== first) continue;
        doubtful.shift();
        (isKept ? kept : lost)(first);
      }
    },
    clear: () => void (doubtful.length = 0),
  };
}
