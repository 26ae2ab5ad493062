import type { KeptEndpoint } from '../monitoring/directory.js';

/** What an endpoint depends on directly; ids of endpoints that are gone are none. */
export type DependsOn = (endpointId: string) => readonly string[];

/** How far up dependencies are followed. */
const mostAncestors = 1_000;

/** Everything that an endpoint depends on, directly or not, the nearest first. */
export function ancestorsOf(endpointId: string, dependsOn: DependsOn): string[] {
  const found = new Set<string>();
  let level: readonly string[] = [endpointId];
  while (level.length > 0 && found.size < mostAncestors) {
    level = [...new Set(level.flatMap((id) => dependsOn(id)))].filter((id) => id !== endpointId && !found.has(id));
    for (const id of level) found.add(id);
  }
  return [...found];
}

/**
 * The nearest that an endpoint depends on that can tell whose trouble its is. One that is paused is passed over, to what it
 * depends on itself; so is one that is unknown, which is among them all the same.
 */
export function tellersOf(endpointId: string, lookup: (id: string) => KeptEndpoint | undefined): KeptEndpoint[] {
  const tellers: KeptEndpoint[] = [];
  const seen = new Set([endpointId]);
  let level = lookup(endpointId)?.endpoint.dependsOn ?? [];
  while (level.length > 0 && seen.size < mostAncestors) {
    const further: string[] = [];
    for (const id of level) {
      const parent = seen.has(id) ? undefined : lookup(id);
      seen.add(id);
      if (!parent) continue;
      const isPaused = parent.endpoint.pausedAt !== null;
      if (!isPaused) tellers.push(parent);
      if (isPaused || parent.status === 'unknown') further.push(...parent.endpoint.dependsOn);
    }
    level = further;
  }
  return tellers;
}

/** Whether an endpoint would depend on itself, were it to depend on these. */
export function wouldCircle(endpointId: string, parents: readonly string[], dependsOn: DependsOn): boolean {
  return parents.some((parent) => parent === endpointId || ancestorsOf(parent, dependsOn).includes(endpointId));
}
