import type { HealthStore, Settlement } from '../store/store.js';

/** A settlement that is found again. */
export type Receipted = Settlement & Required<Pick<Settlement, 'handed' | 'receipt'>>;

/**
 * The settlement that a store failed to write, and may have kept all the same: the answer to a commit can be lost. There
 * is one at the most, for nothing else is written until it is known what became of it.
 */
export interface Doubt {
  readonly isRaised: boolean;
  /** How many results are in it. */
  readonly results: number;
  raise(settlement: Receipted): void;
  /**
   * Looks in the store what became of it, before anything else is written: `kept` is told of it when it is there, `lost`
   * when it is not. Rejects when the store does not say; then it stays in doubt.
   */
  resolve(told: { kept: (settlement: Receipted) => void; lost: (settlement: Receipted) => void }): Promise<void>;
  clear(): void;
}

/** None so far. */
export function createDoubt(store: Pick<HealthStore, 'lastSettled'>): Doubt {
  let doubtful: Receipted | undefined;
  return {
    get isRaised() {
      return doubtful !== undefined;
    },
    get results() {
      return (doubtful?.chunks ?? []).reduce((sum, { added }) => sum + added, 0);
    },
    raise: (settlement) => void (doubtful = settlement),
    async resolve({ kept, lost }) {
      const asked = doubtful;
      if (!asked) return;
      const { process, number } = asked.receipt;
      const isKept = (await store.lastSettled(process)) >= number;
      // Cleared meanwhile: it is nobody's any more.
      if (doubtful !== asked) return;
      doubtful = undefined;
      (isKept ? kept : lost)(asked);
    },
    clear: () => void (doubtful = undefined),
  };
}
