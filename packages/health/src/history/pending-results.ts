import type { KeptEndpoint } from '../monitoring/directory.js';
import type { CheckResult, RingResult } from './result.js';

/** Results on their way into the rings, by endpoint: an endpoint's go together, for they lie together. */
export interface PendingResults {
  readonly size: number;
  /** Adds a result, gives it its place in the rings, and says how many had to be given up for it. */
  add(kept: KeptEndpoint, result: CheckResult): number;
  /** Takes out what waits of one endpoint, the oldest first. */
  takeOf(endpointId: string): RingResult[];
  /** Puts back, before what came since, what could not be stored, and says how many had no room any more. */
  putBack(results: readonly RingResult[]): number;
}

/** Makes an empty one, of bounded size. */
export function pendingResults({
  rings,
  most,
}: {
  rings: Readonly<Record<RingResult['ring'], number>>;
  most: number;
}): PendingResults {
  const waiting = new Map<string, RingResult[]>();
  /** What the rings of one endpoint hold; older results are overwritten by these anyway. */
  const mostOfOne = rings.recent + rings.issues;
  let size = 0;

  const push = (own: RingResult[], result: RingResult): number => {
    own.push(result);
    size++;
    if (own.length <= mostOfOne && size <= most) return 0;
    own.shift();
    size--;
    return own.length >= mostOfOne ? 0 : 1;
  };
  return {
    get size() {
      return size;
    },
    add(kept, result) {
      const own = waiting.get(result.endpointId) ?? [];
      waiting.set(result.endpointId, own);
      const dropped = push(own, { ...result, ring: 'recent', slot: kept.checks++ % rings.recent });
      if (result.status === 'healthy') return dropped;
      return dropped + push(own, { ...result, ring: 'issues', slot: kept.issues++ % rings.issues });
    },
    takeOf(endpointId) {
      const own = waiting.get(endpointId) ?? [];
      waiting.delete(endpointId);
      size -= own.length;
      return own;
    },
    putBack(results) {
      const kept = results.slice(Math.max(0, results.length - Math.max(0, most - size)));
      const newer = new Map<string, RingResult[]>();
      for (const result of kept) {
        const { endpointId } = result;
        if (!newer.has(endpointId)) {
          newer.set(endpointId, waiting.get(endpointId) ?? []);
          waiting.set(endpointId, []);
        }
        waiting.get(endpointId)?.push(result);
      }
      for (const [endpointId, own] of newer) waiting.get(endpointId)?.push(...own);
      size += kept.length;
      return results.length - kept.length;
    },
  };
}
