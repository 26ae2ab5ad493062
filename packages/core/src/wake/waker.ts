/** Work for one key. Safe to call twice; the signal aborts when the waker stops without waiting any longer. */
export type WakeHandler = (key: string, signal: AbortSignal) => Promise<void>;

/**
 * "Wake key K at time T, at least once, on some instance." The only seam to a distributed engine: which step, run or
 * schedule a key stands for is kept in the domain's own tables.
 */
export interface Waker {
  /**
   * Asks for a wake-up of `key` at `at` (epoch ms; the past means at once). Asking again for a waiting key keeps the
   * earlier time. Asking while the key is being handled makes another wake-up afterwards.
   */
  wake(key: string, at: number): void | Promise<void>;
  /** Begins to call `handler`. The same key is never handled twice at once on this instance. */
  start(handler: WakeHandler): void | Promise<void>;
  /**
   * Takes no more work and waits for what runs, at most as long as the waker's grace; then aborts it. Safe to call
   * again.
   */
  stop(): Promise<void>;
}
