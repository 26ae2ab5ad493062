import type { Clock } from '@dotmac/core';
import type { SharedStore, Term } from '../store/sharing.js';

/** The lease that one process of those on a store has, and monitors. */
export interface MonitorLease {
  /** Under what this process monitors; undefined while it does not. */
  readonly term: Term | undefined;
  /** The name of the process that has it; null when none has. */
  holder(): Promise<string | null>;
  /** Takes it; false when another process was faster. */
  take(): Promise<boolean>;
  /**
   * Renews it when a third of its time is over, or it is in doubt. One that ran out while nobody could reach the store
   * goes on, as long as nobody had it in between.
   * @returns whether this process monitors still
   * @throws when the store cannot be reached: then nobody else can take it there either
   */
  keep(isInDoubt: boolean): Promise<boolean>;
  /** Gives it back, so that another process takes it at once. */
  release(): Promise<void>;
}

/** The key of the lease. */
const monitorKey = 'health/monitor';

/** What separates the name of a process from what makes it one of its kind. */
const mark = '#';

/** Makes the lease of a process by the name of `instance`; `id` differs between any two processes. */
export function createMonitorLease({
  leases,
  instance,
  id,
  ttlMs,
  clock,
}: Pick<SharedStore, 'leases'> & {
  instance: string;
  id: string;
  ttlMs: number;
  clock: Pick<Clock, 'monotonic'>;
}): MonitorLease {
  const owner = `${instance}${mark}${id}`;
  let term: Term | undefined;
  let confirmedAt = -Infinity;

  return {
    get term() {
      return term;
    },
    async holder() {
      const found = await leases.holder(monitorKey);
      return found && found.owner.slice(0, found.owner.lastIndexOf(mark));
    },
    async take() {
      const askedAt = clock.monotonic();
      const lease = await leases.acquire(monitorKey, owner, ttlMs);
      if (!lease) return false;
      confirmedAt = askedAt;
      term = { key: monitorKey, fence: lease.fence };
      return true;
    },
    async keep(isInDoubt) {
      if (!term) return false;
      if (!isInDoubt && clock.monotonic() - confirmedAt < ttlMs / 3) return true;
      const askedAt = clock.monotonic();
      if (!(await leases.renew(monitorKey, owner, term.fence, ttlMs))) {
        term = undefined;
        return false;
      }
      confirmedAt = askedAt;
      return true;
    },
    async release() {
      const held = term;
      term = undefined;
      if (held) await leases.release(monitorKey, owner, held.fence);
    },
  };
}
