import { holdLease, type Clock, type Logger } from '@dotmac/core';
import { presenceKey } from '../runs/lease-keys.js';
import { lastSignOf } from '../runs/run.js';
import type { MaintenanceStore } from '../store/store.js';
import type { SlotRecord } from './slot.js';

/** This process among the others, for as long as its lease lasts. */
export interface Present {
  /** Names it in the ledger; never given twice. */
  instance: string;
  /** Aborts when the lease is lost, or the scheduler stops. */
  signal: AbortSignal;
}

/** An open slot that nobody is at. */
export interface LeftSlot extends SlotRecord {
  /** When somebody was last at it, as far as is known. Epoch ms. */
  leftAt: number;
}

/** Says which process is there, and finds those that are not any more. */
export interface Presence {
  /** Takes a lease for this process, unless it has one. */
  enter(): Promise<Present>;
  /** The name of this process, while it is there. */
  instance(): string | null;
  /**
   * The open slots of processes that died, or were stopped; the oldest first.
   * @param isForgotten is this process not at one that is its own, and of which no run is under way?
   */
  left(isForgotten: (slot: SlotRecord) => boolean): Promise<LeftSlot[]>;
  leave(): Promise<void>;
}

/** What a presence is made of. */
export interface PresenceParts {
  store: MaintenanceStore;
  hostId: string;
  clock: Clock;
  logger: Logger;
  leaseTtlMs: number;
}

const mostProcesses = 1_000;
const mostLeft = 1_000;

/** The place in an instance's name: places are taken again, so that their leases do not grow in number. */
const placeOf = (instance: string): string => instance.slice(0, instance.lastIndexOf('#'));

/** @see Presence */
export function createPresence({ store, hostId, clock, logger, leaseTtlMs }: PresenceParts): Presence {
  let entering: Promise<Present> | undefined;
  let here: Present | undefined;
  let held: Promise<unknown> = Promise.resolve();
  let leaving = new AbortController();
  /** When others were last found there, by their names. */
  let seenAt = new Map<string, number>();

  /** Resolves when the place is taken; false when another has it. */
  const take = (place: string): Promise<Present | false> =>
    new Promise((resolve, reject) => {
      const options = { ttlMs: leaseTtlMs, clock, signal: leaving.signal };
      held = holdLease(store.leases, presenceKey(place), options, async (signal, fence) => {
        here = { instance: `${place}#${fence}`, signal };
        resolve(here);
        await new Promise<void>((over) => signal.addEventListener('abort', () => over(), { once: true }));
        here = undefined;
        if (!leaving.signal.aborted) logger.warn({ place }, 'the scheduler lost its lease, and begins anew');
      }).then(({ held: had }) => had || resolve(false), reject);
    });
  const enter = async (): Promise<Present> => {
    for (let index = 0; index < mostProcesses; index++) {
      const present = await take(`${hostId}/${index}`);
      if (present) return present;
    }
    throw new Error(`${mostProcesses} processes of ${hostId} are there already`);
  };
  const isThere = async (place: string): Promise<boolean> => {
    // Whoever has a place knows that those who had it before are dead.
    if (here && placeOf(here.instance) === place) return false;
    const once = { ttlMs: leaseTtlMs, clock };
    return !(await holdLease(store.leases, presenceKey(place), once, () => Promise.resolve())).held;
  };
  /** When the run of a slot last told of itself. */
  const lastSignIn = async ({ tenantId, runId }: SlotRecord): Promise<number> => {
    const run = runId === null ? null : await store.runs(tenantId).get(runId);
    return run ? lastSignOf(run) : 0;
  };

  return {
    async enter() {
      if (here && !here.signal.aborted) return here;
      if (leaving.signal.aborted) leaving = new AbortController();
      entering ??= enter().finally(() => (entering = undefined));
      return entering;
    },
    instance: () => here?.instance ?? null,
    async left(isForgotten) {
      const places = new Map<string, boolean>();
      const lastSeen = new Map<string, number>();
      const signs = new Map<string, number>();
      const found: LeftSlot[] = [];
      for (const slot of await store.openSlots(mostLeft)) {
        const { instance, claimedAt, endedAt } = slot;
        if (endedAt !== null) {
          found.push({ ...slot, leftAt: endedAt });
          continue;
        }
        if (instance === here?.instance) {
          // This process has been there all along.
          if (slot.outcome !== 'running' && isForgotten(slot)) found.push({ ...slot, leftAt: clock.now() });
          continue;
        }
        const place = placeOf(instance);
        const there = places.get(place) ?? (await isThere(place));
        places.set(place, there);
        if (there) lastSeen.set(instance, clock.now());
        else {
          const signAt = Math.max(claimedAt, seenAt.get(instance) ?? claimedAt, await lastSignIn(slot));
          signs.set(instance, Math.max(signAt, signs.get(instance) ?? signAt));
          found.push({ ...slot, leftAt: signAt });
        }
      }
      seenAt = lastSeen;
      // What one of its slots tells of a process holds for the others, which may have waited for that.
      return found.map((slot) =>
        slot.endedAt === null ? { ...slot, leftAt: signs.get(slot.instance) ?? slot.leftAt } : slot,
      );
    },
    async leave() {
      leaving.abort();
      await held.catch(() => undefined);
    },
  };
}
