import type { HandedResult } from '../store/sharing.js';
import type { Handed } from '../store/store.js';

/** Results that others handed over and that were judged, until they have left the store with what they came to. */
export interface PendingHanded {
  /** About so many of those that are in the store and were not judged yet; none while too many were judged that are there still. */
  next(read: (limit: number) => Promise<HandedResult[]>, count: number): Promise<HandedResult[]>;
  add(handed: Handed): void;
  /** Takes out those of these endpoints; they are not read again yet. */
  takeOf(endpointIds: readonly string[]): Handed[];
  /** Puts back those whose settlement was not stored. */
  putBack(handed: readonly Handed[]): void;
  /** These left the store with their settlement. */
  left(handed: readonly Handed[]): void;
  clear(): void;
}

/** What the store refuses of an endpoint may go on for ever. */
const most = 20_000;

/** Makes an empty one. */
export function pendingHanded(): PendingHanded {
  const waiting = new Map<string, Handed[]>();
  /** Those that a read may come upon. */
  const judged = new Set<string>();
  /** Those that left since the last read began, which may have seen them still. */
  let gone: string[] = [];
  const add = (handed: Handed): void => {
    const { endpointId, id } = handed;
    const own = waiting.get(endpointId);
    if (own) own.push(handed);
    else waiting.set(endpointId, [handed]);
    judged.add(id);
  };
  return {
    async next(read, count) {
      for (const id of gone) judged.delete(id);
      gone = [];
      if (judged.size >= most) return [];
      const found = await read(count + judged.size);
      return found.filter(({ id }) => !judged.has(id));
    },
    add,
    takeOf(endpointIds) {
      const taken = endpointIds.flatMap((endpointId) => waiting.get(endpointId) ?? []);
      for (const endpointId of endpointIds) waiting.delete(endpointId);
      return taken;
    },
    putBack: (handed) => handed.forEach(add),
    left: (handed) => void gone.push(...handed.map(({ id }) => id)),
    clear() {
      waiting.clear();
      judged.clear();
      gone = [];
    },
  };
}
