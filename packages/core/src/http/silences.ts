import type { Clock } from '../clock.js';

/** Nothing came for a while. */
export const silent = Symbol('nothing happened');

/** The items, and {@link silent} wherever none came for `quietMs`. */
export async function* withSilences(
  items: AsyncIterable<unknown>,
  clock: Clock,
  quietMs: number,
): AsyncGenerator<unknown> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = iterator.next();
      let isSettled = false;
      let wake = (): void => undefined;
      const settle = (): void => {
        isSettled = true;
        wake();
      };
      // Attached to once, and not once a silence: a promise keeps all that waits for it, and may be waited for for days.
      next.then(settle, settle);
      while (!isSettled) {
        let cancel = (): void => undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          cancel = clock.after(quietMs, resolve);
        });
        cancel();
        if (!isSettled) yield silent;
      }
      const came = await next;
      if (came.done) return;
      yield came.value;
    }
  } finally {
    // Not awaited: it may be waiting for an item that never comes.
    void iterator.return?.();
  }
}
