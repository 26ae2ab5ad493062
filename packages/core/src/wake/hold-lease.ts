import { systemClock, type CancelTimer, type Clock } from '../clock.js';
import { coreErrors } from '../errors/core-errors.js';
import { newId } from '../ids.js';
import type { Leases } from './lease.js';

/** Options of {@link holdLease}. */
export interface HoldLeaseOptions {
  /** How long the lease lasts without renewal. Others take over after at most this when the process dies. */
  ttlMs: number;
  clock?: Clock;
  /** Ends the work from outside. */
  signal?: AbortSignal;
  /** Names the holder; must differ between any two holders. Default a new id for each call. */
  owner?: string;
}

/** What became of {@link holdLease}. */
export type HeldLease<Result> = { held: false } | { held: true; fence: number; result: Result };

/**
 * Does `work` while holding a lease. It is renewed every `ttlMs / 3`; when it was lost, or could not be renewed for
 * `ttlMs * 2 / 3` (before others may take over), the work's signal aborts with LEASE_LOST. Work that writes should also
 * check the fence, for a signal reaches a stalled process too late.
 * @returns `held: false` when another holds the lease
 */
export async function holdLease<Result>(
  leases: Leases,
  key: string,
  { ttlMs, clock = systemClock, signal, owner = newId() }: HoldLeaseOptions,
  work: (signal: AbortSignal, fence: number) => Promise<Result>,
): Promise<HeldLease<Result>> {
  signal?.throwIfAborted();
  let confirmedAt = clock.monotonic();
  const lease = await leases.acquire(key, owner, ttlMs);
  if (!lease) return { held: false };
  const { fence } = lease;
  const controller = new AbortController();
  const timers: { renew: CancelTimer; giveUp: CancelTimer } = { renew: () => {}, giveUp: () => {} };
  let over = false;

  const lose = (): void => controller.abort(coreErrors.LEASE_LOST({ key }));
  const stop = (): void => controller.abort(signal?.reason);
  const schedule = (): void => {
    timers.renew();
    timers.giveUp();
    if (over || controller.signal.aborted) return;
    const ageMs = clock.monotonic() - confirmedAt;
    timers.renew = clock.after(Math.max(0, ttlMs / 3 - ageMs), () => void renew());
    timers.giveUp = clock.after(Math.max(0, (ttlMs * 2) / 3 - ageMs), lose);
  };
  const renew = async (): Promise<void> => {
    // The lease runs from some moment after this one, so counting from here errs on the safe side.
    const askedAt = clock.monotonic();
    try {
      if (!(await leases.renew(key, owner, fence, ttlMs))) return lose();
      confirmedAt = askedAt;
      schedule();
    } catch {
      // The database may be back before it is too late: ask again soon; giveUp keeps running.
      if (!over) timers.renew = clock.after(ttlMs / 12, () => void renew());
    }
  };

  signal?.addEventListener('abort', stop, { once: true });
  // It may have aborted while the lease was asked for.
  if (signal?.aborted) stop();
  schedule();
  try {
    return { held: true, fence, result: await work(controller.signal, fence) };
  } finally {
    over = true;
    timers.renew();
    timers.giveUp();
    signal?.removeEventListener('abort', stop);
    // Failing to give it back costs others the rest of the ttl, no more.
    await leases.release(key, owner, fence).catch(() => false);
  }
}
