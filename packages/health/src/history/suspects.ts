/** Endpoints one of which a store may refuse to keep anything of. */
export interface Suspects {
  readonly size: number;
  has(endpointId: string): boolean;
  /** Those to be settled together and with no others: many come before one, for most of them are there for another's fault. */
  groups(): string[][];
  /** These were settled together in vain, while the store answers: they are halved, until one is alone with its fault. */
  accuse(endpointIds: readonly string[]): void;
  /** These were settled. */
  acquit(endpointIds: readonly string[]): void;
  clear(): void;
}

/** Makes an empty one. */
export function createSuspects(): Suspects {
  /** The number of its group, by endpoint. */
  const groups = new Map<string, number>();
  let last = 0;
  return {
    get size() {
      return groups.size;
    },
    has: (endpointId) => groups.has(endpointId),
    groups() {
      const found = new Map<number, string[]>();
      for (const [endpointId, group] of groups) found.set(group, [...(found.get(group) ?? []), endpointId]);
      return [...found.values()].sort((one, other) => Number(one.length === 1) - Number(other.length === 1));
    },
    accuse(endpointIds) {
      const half = Math.ceil(endpointIds.length / 2);
      for (const ids of [endpointIds.slice(0, half), endpointIds.slice(half)]) {
        const group = ++last;
        for (const id of ids) {
          // To the end: who was tried last waits for the others.
          groups.delete(id);
          groups.set(id, group);
        }
      }
    },
    acquit(endpointIds) {
      for (const id of endpointIds) groups.delete(id);
    },
    clear: () => groups.clear(),
  };
}
