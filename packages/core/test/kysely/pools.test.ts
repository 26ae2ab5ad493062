import { expect, it } from 'vitest';
import { guardPgPool } from '../../src/kysely/pools.js';

/** How long the driver is told to wait for a statement; undefined: as long as the pool says. */
async function waitFor(text: string): Promise<number | undefined> {
  const asked: (number | undefined)[] = [];
  const client = {
    query: (config: { query_timeout?: number | undefined }) => Promise.resolve(void asked.push(config.query_timeout)),
    release: () => undefined,
    on: () => undefined,
    removeListener: () => undefined,
  };
  const types = { getTypeParser: () => String };
  const pool = guardPgPool({ connect: () => Promise.resolve(client), end: () => Promise.resolve() }, types);
  await (await pool.connect()).query(text, []);
  return asked[0];
}

it.each([
  'vacuum "events"',
  'ANALYZE "events"',
  'reindex index concurrently "i"',
  'create index concurrently "i" on t (a)',
])('waits for a day for what takes as long as it takes: %s', async (text) =>
  expect(await waitFor(text)).toBe(86_400_000),
);
it.each(['select analyze from vacuum', 'explain analyze select 1', 'delete from events'])(
  'waits for others no longer than the pool says: %s',
  async (text) => expect(await waitFor(text)).toBeUndefined(),
);
