import { expect, it } from 'vitest';
import { fakeClock } from '../../src/testing/index.js';
import { silent, withSilences } from '../../src/http/silences.js';

/** Items that come when a test says so, and how often they were attached to. */
function source() {
  const asked: { attached: number; give: (item: string) => void }[] = [];
  const items: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next() {
        const one = { attached: 0, give: (_: string): void => undefined };
        asked.push(one);
        const promise = new Promise<IteratorResult<string>>(
          (resolve) => (one.give = (value) => resolve({ done: false, value })),
        );
        const then = promise.then.bind(promise);
        promise.then = ((...on: Parameters<typeof then>) => {
          one.attached++;
          return then(...on);
        }) as typeof promise.then;
        return promise;
      },
    }),
  };
  return { asked, items };
}

it('a stream that is silent for days keeps no more than one that is not', async () => {
  const clock = fakeClock();
  const { asked, items } = source();
  const seen = withSilences(items, clock, 15_000)[Symbol.asyncIterator]();
  for (let beat = 0; beat < 100; beat++) {
    const next = seen.next();
    await clock.advance(15_000);
    expect(await next).toEqual({ done: false, value: silent });
  }
  expect(asked.map(({ attached }) => attached)).toEqual([1]);

  const next = seen.next();
  await clock.advance(14_999);
  asked[0]?.give('at last');
  expect(await next).toEqual({ done: false, value: 'at last' });
  expect(clock.pending).toBe(0);
});
