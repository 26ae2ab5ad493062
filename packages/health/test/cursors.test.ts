import { expect, it } from 'vitest';
import { memoryHealthStore } from '../src/index.js';
import { staged } from './support/staged.js';

it.each(['endpoints', 'incidents', 'channels', 'alerts', 'windows', 'objectives', 'statusFeeds'] as const)(
  'a list of %s goes on after the page before, and is refused after anything else',
  async (what) => {
    const { scope, register } = await staged((clock) => memoryHealthStore({ clock }));
    await register('one');
    const last = await register('two');
    for (const cursor of ['garbage', '2', '', `${last.id} `])
      await expect(scope[what].list({ cursor })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path: 'cursor' }],
      });
    expect(await scope[what].list({ cursor: last.id })).toEqual({ items: [], nextCursor: null });
  },
);

it('a list of endpoints is read to its end by its cursors', async () => {
  const { scope, register } = await staged((clock) => memoryHealthStore({ clock }));
  for (const name of ['one', 'two', 'three']) await register(name);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await scope.endpoints.list({ limit: 2, cursor });
    seen.push(...items.map(({ name }) => name));
    cursor = nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual(['one', 'two', 'three']);
});

it.each(['garbage', '7', '1.', '-1.2', '1.2.3', ''])(
  'a list of what was given up is refused after %j',
  async (cursor) => {
    const { scope } = await staged((clock) => memoryHealthStore({ clock }));
    await expect(scope.alerts.undelivered({ cursor })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      issues: [{ path: 'cursor' }],
    });
  },
);
