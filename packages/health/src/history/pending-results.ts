import type { KeptEndpoint } from '../monitoring/directory.js';
import type { CheckResult, Ring } from './result.js';
import { between, chunkSizes, encodeResult, slotsOf, type RingChunk } from './ring.js';

/** Results on their way into the rings, by endpoint, as the chunks that they are stored in. */
export interface PendingResults {
  /** Results that are not stored yet. */
  readonly size: number;
  /** Adds a result, gives it its place in the rings, and says how many had to be given up for it. */
  add(kept: KeptEndpoint, result: CheckResult): number;
  /** Takes the chunks of one endpoint that have more in them than was stored. */
  takeOf(endpointId: string): RingChunk[];
  /** Puts back what could not be stored. */
  putBack(chunks: readonly RingChunk[]): void;
  /** Forgets an endpoint that is gone. */
  forget(endpointId: string): void;
  clear(): void;
}

/** A chunk whose results are not joined yet. */
type Open = Omit<RingChunk, 'body'> & { results: string[] };

interface Writing {
  /** The chunk being written; what is in it stays here, since it is stored whole. */
  open: Open;
  /** Full ones that wait to be stored, by slot. */
  full: Map<number, RingChunk>;
}

function joined({ results, ...chunk }: Open): RingChunk {
  return { body: results.join(between), ...chunk };
}

type Own = Partial<Record<Ring, Writing>>;

/** Makes an empty one, of bounded size: what one endpoint waits with is no more than its rings hold. */
export function pendingResults({
  rings,
  most,
}: {
  rings: Readonly<Record<Ring, number>>;
  most: number;
}): PendingResults {
  const endpoints = new Map<string, Own>();
  const slots = { recent: slotsOf('recent', rings.recent), issues: slotsOf('issues', rings.issues) };
  let size = 0;

  const chunkAt = ({ tenantId, endpointId }: CheckResult, ring: Ring, index: number): Open => {
    const slot = Math.floor(index / chunkSizes[ring]) % slots[ring];
    return { tenantId, endpointId, ring, slot, results: [], added: 0 };
  };
  /** The ring as it is written, and the place of the next result; a process begins with a chunk of its own. */
  const placeIn = (own: Own, ring: Ring, result: CheckResult, index: number): { writing: Writing; next: number } => {
    const chunkSize = chunkSizes[ring];
    const known = own[ring];
    if (!known) {
      const next = Math.ceil(index / chunkSize) * chunkSize;
      const writing = { open: chunkAt(result, ring, next), full: new Map<number, RingChunk>() };
      return { writing: (own[ring] = writing), next };
    }
    if (known.open.results.length === chunkSize) {
      if (known.open.added > 0) known.full.set(known.open.slot, joined(known.open));
      known.open = chunkAt(result, ring, index);
    }
    return { writing: known, next: index };
  };
  /** Gives up what the ring overwrites anyway, and, when all that waits is too much, the oldest. */
  const makeRoom = ({ open, full }: Writing): number => {
    const giveUp = (chunk: RingChunk): number => {
      full.delete(chunk.slot);
      size -= chunk.added;
      return chunk.added;
    };
    const overwritten = full.get(open.slot);
    if (overwritten) giveUp(overwritten);
    let dropped = 0;
    for (const chunk of full.values()) {
      if (size <= most) break;
      dropped += giveUp(chunk);
    }
    return dropped;
  };
  const write = (own: Own, ring: Ring, result: CheckResult, encoded: string, index: number) => {
    const { writing, next } = placeIn(own, ring, result, index);
    const { open } = writing;
    open.results.push(encoded);
    open.added++;
    size++;
    return { next: next + 1, dropped: size > most || writing.full.has(open.slot) ? makeRoom(writing) : 0 };
  };

  return {
    get size() {
      return size;
    },
    add(kept, result) {
      let own = endpoints.get(result.endpointId);
      if (!own) endpoints.set(result.endpointId, (own = {}));
      const encoded = encodeResult(result);
      const recent = write(own, 'recent', result, encoded, kept.checks);
      kept.checks = recent.next;
      if (result.status === 'healthy') return recent.dropped;
      const issues = write(own, 'issues', result, encoded, kept.issues);
      kept.issues = issues.next;
      return recent.dropped + issues.dropped;
    },
    takeOf(endpointId) {
      const taken: RingChunk[] = [];
      for (const { open, full } of Object.values(endpoints.get(endpointId) ?? {})) {
        taken.push(...full.values());
        full.clear();
        if (open.added > 0) taken.push(joined(open));
        open.added = 0;
      }
      for (const { added } of taken) size -= added;
      return taken;
    },
    putBack(chunks) {
      for (const chunk of chunks) {
        const writing = endpoints.get(chunk.endpointId)?.[chunk.ring];
        if (!writing) continue;
        const { open, full } = writing;
        const newer = open.slot === chunk.slot ? open : full.get(chunk.slot);
        if (newer) newer.added += chunk.added;
        else full.set(chunk.slot, chunk);
        size += chunk.added;
      }
    },
    forget(endpointId) {
      for (const { open, full } of Object.values(endpoints.get(endpointId) ?? {}))
        for (const { added } of [open, ...full.values()]) size -= added;
      endpoints.delete(endpointId);
    },
    clear() {
      endpoints.clear();
      size = 0;
    },
  };
}
