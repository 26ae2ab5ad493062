import type { BurnWindow, Tally } from './budget.js';
import type { ObjectiveRecord } from './objective.js';

/** What was read in a round of looking at objectives, and how much that was. */
export interface Readings {
  /** What a window of the same endpoints came to, read once for all objectives that count it alike. */
  share(
    objective: ObjectiveRecord,
    of: { window: BurnWindow; endpoints: number },
    read: () => Promise<Tally>,
  ): Promise<Tally>;
  /** Windows of endpoints that were read. */
  readonly count: number;
}

/** The same for objectives that count the same checks alike. */
export function countedAlike(objective: ObjectiveRecord): string {
  const { tenantId, endpointId, tag, threshold, countsMaintenance = false } = objective;
  return JSON.stringify([tenantId, endpointId, tag, threshold, countsMaintenance]);
}

/** Begins a round. */
export function createReadings(): Readings {
  const read = new Map<string, Promise<Tally>>();
  let count = 0;
  return {
    share(objective, { window, endpoints }, make) {
      const key = `${window} ${countedAlike(objective)}`;
      const known = read.get(key);
      if (known) return known;
      count += endpoints;
      const tally = make();
      read.set(key, tally);
      return tally;
    },
    get count() {
      return count;
    },
  };
}
