import type { KeptEndpoint } from '../monitoring/directory.js';
import { isAvailable } from '../monitoring/status.js';
import { tellersOf } from './graph.js';

/** Looks at what endpoints depend on when they fail, before anybody is told: that may be what fails. */
export interface ParentAsking {
  /**
   * Asks the nearest that can tell whose trouble it is. One that fails asks its own in turn, so that the chain is gone up as
   * far as the trouble goes. Whoever is waiting to be looked at already is not asked twice.
   */
  ask(child: KeptEndpoint, now: number): void;
  /** Says that an endpoint was looked at. */
  looked(at: KeptEndpoint, now: number): void;
  /** Forgets what was asked of one endpoint, or of all. */
  forget(endpointId?: string): void;
}

/** What asking works with. */
export interface ParentAskingOptions {
  lookup: (endpointId: string) => KeptEndpoint | undefined;
  /** Has an endpoint looked at from `at` on; epoch ms. */
  plan: (parent: KeptEndpoint, at: number) => void;
  /** Whether one is being looked at right now. */
  isUnderWay: (endpointId: string) => boolean;
}

/** One that is known to be down explains what fails below it; so long after it was seen to be, it may have come back. */
const downForMs = 60_000;

/** @see ParentAsking */
export function createParentAsking({ lookup, plan, isUnderWay }: ParentAskingOptions): ParentAsking {
  /** Asked while they were being looked at: such a look may say nothing of what came since it began. */
  const again = new Set<string>();
  return {
    ask(child, now) {
      for (const parent of tellersOf(child.endpoint.id, lookup)) {
        const { id, checkInterval, recheckInterval } = parent.endpoint;
        const isDown = !isAvailable(parent.status) && parent.status !== 'unknown';
        const freshMs = isDown ? Math.min(checkInterval * 1_000, downForMs) : recheckInterval * 1_000;
        // By a clock that was set back it may have been looked at in the future.
        const staleAt = Math.min(parent.checkedAt ?? -Infinity, now) + freshMs;
        if (isUnderWay(id)) again.add(id);
        else plan(parent, Math.max(now, staleAt));
      }
    },
    looked(parent, now) {
      if (!again.delete(parent.endpoint.id)) return;
      // One that fails is looked at again anyway.
      if (isAvailable(parent.status) && parent.worse === 0) plan(parent, now + parent.endpoint.recheckInterval * 1_000);
    },
    forget(endpointId) {
      if (endpointId === undefined) again.clear();
      else again.delete(endpointId);
    },
  };
}
