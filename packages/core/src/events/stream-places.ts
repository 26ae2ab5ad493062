import { coreErrors } from '../errors/core-errors.js';

/** How many streams may be open at once. Each takes a connection, and memory for what waits for its reader. */
export interface StreamLimits {
  /** Of all tenants, in one process. Default 2,000. */
  maxStreams?: number;
  /** Of one tenant, in one process. Default 100. */
  maxStreamsPerTenant?: number;
}

/** The places that a process has for streams. */
export interface StreamPlaces {
  /**
   * Takes a place. Returns how to give it back; doing that twice is harmless.
   * @throws STREAM_LIMIT_REACHED when the tenant has all of its own, STREAMS_FULL when the process has none left
   */
  take(tenantId: string): () => void;
}

/**
 * Makes places, all of them free.
 * @throws INVALID_ARGUMENT when a limit is no whole number
 */
export function createStreamPlaces({ maxStreams = 2_000, maxStreamsPerTenant = 100 }: StreamLimits = {}): StreamPlaces {
  for (const [argument, limit] of Object.entries({ maxStreams, maxStreamsPerTenant }))
    if (!Number.isSafeInteger(limit) || limit < 0)
      throw coreErrors.INVALID_ARGUMENT({ argument, reason: `${limit} is no whole number from 0 on` });
  const takenBy = new Map<string, number>();
  let taken = 0;
  return {
    take(tenantId) {
      const own = takenBy.get(tenantId) ?? 0;
      if (own >= maxStreamsPerTenant) throw coreErrors.STREAM_LIMIT_REACHED({ limit: maxStreamsPerTenant });
      if (taken >= maxStreams) throw coreErrors.STREAMS_FULL({ limit: maxStreams });
      takenBy.set(tenantId, own + 1);
      taken += 1;
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        taken -= 1;
        const left = (takenBy.get(tenantId) ?? 1) - 1;
        if (left === 0) takenBy.delete(tenantId);
        else takenBy.set(tenantId, left);
      };
    },
  };
}
