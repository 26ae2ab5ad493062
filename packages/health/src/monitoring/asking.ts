import type { ProbeResult } from '../probes/judge.js';

/** What a check that was asked for found, and when; undefined when it was stopped. */
export type Found = (ProbeResult & { at: number }) | undefined;

/** Those who wait for the next check of an endpoint. */
export interface Asking {
  isAsked(endpointId: string): boolean;
  /** Resolves with what the next check finds. */
  wait(endpointId: string): Promise<Found>;
  answer(endpointId: string, found: Found): void;
  /** Tells all who wait that nothing comes. */
  end(): void;
}

/** @see Asking */
export function createAsking(): Asking {
  const asking = new Map<string, ((found: Found) => void)[]>();
  const answer = (endpointId: string, found: Found): void => {
    if (asking.size === 0) return;
    for (const tell of asking.get(endpointId) ?? []) tell(found);
    asking.delete(endpointId);
  };
  return {
    answer,
    isAsked: (endpointId) => asking.has(endpointId),
    wait: (endpointId) =>
      new Promise((resolve) => asking.set(endpointId, [...(asking.get(endpointId) ?? []), resolve])),
    end() {
      for (const endpointId of asking.keys()) answer(endpointId, undefined);
    },
  };
}
