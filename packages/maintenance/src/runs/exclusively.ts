import { coreErrors, holdLease, newId, type Clock } from '@dotmac/core';
import type { MaintenanceStore } from '../store/store.js';
import type { Held } from '../tasks/task.js';

/** How a resource is held. */
export interface Holding {
  store: MaintenanceStore;
  clock: Clock;
  leaseTtlMs: number;
  signal: AbortSignal;
  /** How long to wait for another who holds it. Ms. */
  patienceMs: number;
}

const askAgainMs = 500;

/**
 * Does `work` while nobody else, in any process, holds the lease of that key.
 * @returns null when another does
 */
export async function exclusively<Result>(
  { store, clock, leaseTtlMs, signal, patienceMs }: Holding,
  key: string,
  work: (held: Held) => Promise<Result>,
): Promise<Result | null> {
  const owner = newId();
  const until = clock.monotonic() + patienceMs;
  for (;;) {
    const held = await holdLease(store.leases, key, { ttlMs: leaseTtlMs, clock, signal, owner }, (lease, fence) =>
      work({
        signal: lease,
        fence,
        async confirm(within) {
          lease.throwIfAborted();
          const known = within && (await store.holdsLease(within, key, fence));
          if (!(known ?? (await store.leases.renew(key, owner, fence, leaseTtlMs))))
            throw coreErrors.LEASE_LOST({ key });
        },
      }),
    );
    if (held.held) return held.result;
    if (clock.monotonic() >= until) return null;
    await clock.sleep(askAgainMs, signal);
  }
}
