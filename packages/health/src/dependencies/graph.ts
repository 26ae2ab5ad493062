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

/** Whether an endpoint would depend on itself, were it to depend on these. */
export function wouldCircle(endpointId: string, parents: readonly string[], dependsOn: DependsOn): boolean {
  return parents.some((parent) => parent === endpointId || ancestorsOf(parent, dependsOn).includes(endpointId));
}
