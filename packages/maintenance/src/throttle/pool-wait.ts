import type { PressureSignal } from './signal.js';

/** What a pool of `pg` shows of itself; others have something like it. */
interface QueueingPool {
  /** How many wait for a connection. */
  readonly waitingCount: number;
}

/** How many of the application's queries wait for a connection: the pool of `pg` as it is. */
export function poolWait(pool: QueueingPool, { pauseAt = 1 }: { pauseAt?: number } = {}): PressureSignal {
  return { name: 'pool_wait', unit: 'queries', pauseAt, resumeAt: 0, read: () => pool.waitingCount };
}
