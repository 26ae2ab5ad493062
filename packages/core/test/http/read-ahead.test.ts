import { describe, expect, it } from 'vitest';
import { readAhead } from '../../src/http/read-ahead.js';

const turns = async (): Promise<void> => {
  for (let count = 0; count < 50; count++) await new Promise((resolve) => setImmediate(resolve));
};

/** Pieces of ten characters, and how many of them were made. */
function source(count: number, fault?: Error) {
  const made = { count: 0, isEnded: false };
  async function* pieces(): AsyncGenerator<string> {
    try {
      for (; made.count < count; made.count++) {
        await Promise.resolve();
        yield String(made.count).padStart(9, '0') + ' ';
      }
      if (fault) throw fault;
    } finally {
      made.isEnded = true;
    }
  }
  return { made, pieces: pieces() };
}
const all = async (pieces: AsyncIterable<string>): Promise<string> => {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
};

describe('reading ahead', () => {
  it('gives everything, in its order', async () => {
    for (const most of [1, 25, 1_000]) {
      const text = await all(readAhead(source(100).pieces, most));
      expect(text.trim().split(' ').map(Number)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    }
    expect(await all(readAhead(source(0).pieces, 10))).toBe('');
  });

  it('makes pieces while nobody takes them, up to its bound, and goes on when somebody does', async () => {
    const { made, pieces } = source(100);
    const ahead = readAhead(pieces, 100);
    const first = await ahead.next();
    expect(String(first.value).length).toBeGreaterThanOrEqual(10);
    await turns();
    expect(made.count).toBeGreaterThan(5);
    expect(made.count).toBeLessThanOrEqual(12);
    const before = made.count;
    expect(String((await ahead.next()).value)).toHaveLength(100);
    await turns();
    expect(made.count).toBeGreaterThan(before);
  });

  it('ends the making when who takes them leaves, and waits for none', async () => {
    const { made, pieces } = source(100);
    const ahead = readAhead(pieces, 30);
    await ahead.next();
    await turns();
    await ahead.return(undefined);
    await turns();
    expect(made.isEnded).toBe(true);
    expect(made.count).toBeLessThan(10);
  });

  it('throws what broke it, after what came before', async () => {
    const ahead = readAhead(source(3, new Error('it broke')).pieces, 1_000);
    let text = '';
    const taking = (async () => {
      for await (const piece of ahead) text += piece;
    })();
    await expect(taking).rejects.toThrow('it broke');
    expect(text).toHaveLength(30);
  });
});
