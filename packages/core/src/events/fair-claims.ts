import type { Clock } from '../clock.js';
import type { ClaimedEntry, Outbox, OutboxClaim } from './outbox.js';

/** Takes what is due out of an outbox so that no tenant keeps the others waiting. */
export interface FairClaims {
  /**
   * Takes up to `limit` entries, those first that are due longest. When every place was taken since the last time, somebody
   * may be waiting behind a crowd: then those of tenants come first who have had less than their part of the places.
   */
  claim(ask: Omit<OutboxClaim, 'besides'>): Promise<ClaimedEntry[]>;
  /** The delivery of an entry has ended. */
  ended(entry: ClaimedEntry): void;
}

/** Looking for others besides a crowd passes over all that is due of the crowd: it takes this part of the time at most. */
const shareOfTime = 1 / 20;
/** After so long a tenant's use of places counts half. */
const halfLifeMs = 10_000;
/** Others who are looked for one after another, each besides those before. */
const turnsOfOne = 3;

/** What a tenant has had of the places, in ms of one place, and how many it has now. */
interface Use {
  ms: number;
  places: number;
  since: number;
}

/** Makes fair claims over so many `places`, each of which a delivery takes as long as it lasts. */
export function fairClaims(outbox: Pick<Outbox, 'claim'>, clock: Clock, places: number): FairClaims {
  const uses = new Map<string, Use>();
  let running = 0;
  let wasFull = false;
  let agedAt = clock.monotonic();
  let restedUntil = -Infinity;

  const change = (tenantId: string, by: number): void => {
    const now = clock.monotonic();
    const { ms, places: before, since } = uses.get(tenantId) ?? { ms: 0, places: 0, since: now };
    uses.set(tenantId, { ms: ms + before * (now - since), places: before + by, since: now });
    running += by;
    wasFull ||= running >= places;
  };
  const age = (): void => {
    const now = clock.monotonic();
    if (now - agedAt < halfLifeMs) return;
    const left = 0.5 ** ((now - agedAt) / halfLifeMs);
    agedAt = now;
    for (const tenantId of uses.keys()) {
      change(tenantId, 0);
      const use = uses.get(tenantId) as Use;
      use.ms *= left;
      if (use.places === 0 && use.ms < 1) uses.delete(tenantId);
    }
  };
  /** Who has had his part: as much as one would have if there were one more. */
  const crowd = (): string[] => {
    const now = clock.monotonic();
    const had = [...uses].map(([tenantId, { ms, places: has, since }]) => ({ tenantId, ms: ms + has * (now - since) }));
    const part = had.reduce((sum, { ms }) => sum + ms, 0) / (had.length + 1);
    return had.flatMap(({ tenantId, ms }) => (ms > 0 && ms >= part ? [tenantId] : []));
  };
  const take = async (taken: ClaimedEntry[], ask: OutboxClaim): Promise<readonly string[]> => {
    const found = await outbox.claim(ask);
    taken.push(...found);
    for (const { event } of found) change(event.tenantId, 1);
    return found.map(({ event }) => event.tenantId);
  };
  /** Those of tenants who have not had their part: some of three who have no place now, one after another, then of any. */
  const takeOfOthers = async (taken: ClaimedEntry[], ask: OutboxClaim): Promise<void> => {
    const had = crowd();
    const besides = [...uses].flatMap(([tenantId, use]) =>
      use.places > 0 || had.includes(tenantId) ? [tenantId] : [],
    );
    const left = (): number => ask.limit - taken.length;
    const some = Math.ceil(ask.limit / (turnsOfOne + 1));
    for (let turn = 0; turn < turnsOfOne && besides.length > 0 && left() > 0; turn++) {
      const found = await take(taken, { ...ask, limit: Math.min(some, left()), besides });
      if (found.length === 0) break;
      besides.push(...found);
    }
    if (had.length > 0 && left() > 0) await take(taken, { ...ask, limit: left(), besides: had });
  };
  return {
    async claim(ask) {
      const taken: ClaimedEntry[] = [];
      age();
      try {
        const startedAt = clock.monotonic();
        if (wasFull && startedAt >= restedUntil) {
          await takeOfOthers(taken, ask);
          const endedAt = clock.monotonic();
          restedUntil = endedAt + (endedAt - startedAt) / shareOfTime;
          wasFull = running >= places;
        }
        if (taken.length < ask.limit) await take(taken, { ...ask, limit: ask.limit - taken.length });
      } catch (error) {
        // What was taken is delivered; what could not be is asked for again soon.
        if (taken.length === 0) throw error;
      }
      return taken;
    },
    ended: ({ event }) => change(event.tenantId, -1),
  };
}
