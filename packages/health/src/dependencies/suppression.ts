import { isAvailable } from '../monitoring/status.js';
import type { KeptEndpoint } from '../monitoring/directory.js';
import { ancestorsOf, tellersOf } from './graph.js';

/** Where endpoints are looked up. */
export type Lookup = (endpointId: string) => KeptEndpoint | undefined;

/** Why an endpoint's trouble is another's. */
export interface Suppression {
  endpointId: string;
  name: string;
}

/**
 * The endpoint further up that explains why this one fails, the root of the trouble. One that is down explains it; so
 * does one about to be decided, and one that is up again while this one has not been checked often enough since to
 * mend. One that is merely slow, paused or unknown explains nothing.
 */
export function suppressorOf(endpointId: string, lookup: Lookup, now: number): Suppression | undefined {
  const child = lookup(endpointId);
  if (!child) return undefined;
  const graceMs = mendingMs(child);
  const dependsOn = (id: string): readonly string[] => lookup(id)?.endpoint.dependsOn ?? [];
  let root: Suppression | undefined;
  for (const id of ancestorsOf(endpointId, dependsOn)) {
    const parent = lookup(id);
    if (parent && explains(parent, graceMs, now)) root = { endpointId: id, name: parent.endpoint.name };
  }
  return root;
}

/** How long a check that was asked for may wait for a free place. */
const queueMs = 30_000;

/**
 * One of the nearest that this one depends on which has not been looked at since the trouble began, so that nobody
 * can say whose trouble it is. Not waited for longer than its check can take.
 */
export function unaskedOf(
  endpointId: string,
  lookup: Lookup,
  { startedAt, now }: { startedAt: number; now: number },
): Suppression | undefined {
  for (const { endpoint, checkedAt } of tellersOf(endpointId, lookup)) {
    if ((checkedAt ?? -Infinity) >= startedAt) continue;
    const { id, name, recheckInterval, timeout } = endpoint;
    if (now - startedAt < (recheckInterval + timeout) * 1_000 + queueMs) return { endpointId: id, name };
  }
  return undefined;
}

/** How long an endpoint takes to be seen well again. */
function mendingMs({ endpoint: { checkInterval, recoveryCount, recheckInterval, timeout } }: KeptEndpoint): number {
  return (checkInterval + (recoveryCount - 1) * recheckInterval + recoveryCount * timeout) * 1_000;
}

function explains(parent: KeptEndpoint, graceMs: number, now: number): boolean {
  const { status, endpoint } = parent;
  if (endpoint.pausedAt !== null || status === 'unknown') return false;
  if (!isAvailable(status)) return true;
  // One that is slow is there: it explains no failure.
  if (parent.worse > 0 && parent.answered === false) return true;
  const since = parent.availableSince ?? parent.since;
  // One that is still to come, by another's clock, says nothing of how long ago it was.
  return since !== null && since <= now && now - since < graceMs;
}
