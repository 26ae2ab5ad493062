import type { FakeClock } from '@dotmac/core/testing';

/**
 * A look, for `expect.poll`, before each of which the clock goes on by `stepMs`. What waits for real databases and files may come to set a
 * timer, or to ask again after a while, when the test has moved the clock already: on a clock that stands still it would wait for ever.
 */
export const asTimePasses =
  <Seen>(clock: FakeClock, look: () => Seen, stepMs = 10) =>
  async (): Promise<Awaited<Seen>> => {
    await clock.advance(stepMs);
    return await look();
  };
