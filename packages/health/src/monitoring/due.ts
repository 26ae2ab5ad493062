import { nextSlot } from './phase.js';
import type { KeptEndpoint } from './directory.js';
import { isUndecided } from './status.js';

/** How long results that disagree with the status may wait for the next; ms. */
export function recheckMs({ endpoint: { recheckInterval, checkInterval } }: KeptEndpoint): number {
  return Math.min(recheckInterval, checkInterval) * 1_000;
}

/** When an endpoint is checked next by itself: at its slot, or when its last check asked for it; epoch ms. */
export function nextLookAt({ endpoint, lookAgainAt }: KeptEndpoint, now: number): number {
  const slot = nextSlot(endpoint.id, endpoint.checkInterval * 1_000, now);
  return Math.min(slot, Math.max(lookAgainAt ?? Infinity, now + 1));
}

/**
 * When an endpoint is checked first by this process; epoch ms. What was never checked is due now, unless it is one of many;
 * the rest keeps its phase over restarts.
 */
export function firstLookAt(kept: KeptEndpoint, isOneOfMany: boolean, now: number): number {
  // When a job can be late, only a look at it tells.
  if (kept.endpoint.serviceType === 'heartbeat' || (kept.checkedAt === null && !isOneOfMany)) return now;
  const next = nextLookAt(kept, now);
  return isUndecided(kept) ? Math.min(Math.min(kept.checkedAt ?? now, now) + recheckMs(kept), next) : next;
}
