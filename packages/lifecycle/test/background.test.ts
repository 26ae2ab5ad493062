import { fakeClock } from '@dotmac/core/testing';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { dueFinder } from '../src/background.js';
import { defineServiceTemplate } from '../src/provisioning/template.js';
import { memoryLifecycleStore } from '../src/store/memory/index.js';
import { rig, someone, until } from './support/lifecycle.js';

it('finds what is due in turn, so that what nobody can go on with hides nothing', async () => {
  const runs = ['a/1', 'a/2', 'a/3', 'a/4', 'b/5'].map((key) => ({ key, at: 0 }));
  const find = dueFinder({
    dueRuns: (_, { after }) => {
      const from = Number(after ?? 0);
      const nextCursor = from + 2 < runs.length ? String(from + 2) : null;
      return Promise.resolve({ items: runs.slice(from, from + 2), nextCursor });
    },
    dueTimers: () => Promise.resolve({ items: [{ key: 'a/timer/1', at: 0 }], nextCursor: null }),
    dueBulk: () => Promise.resolve({ items: [], nextCursor: null }),
  });
  const found: string[][] = [];
  for (let look = 0; look < 4; look++) found.push((await find(0)).map(({ key }) => key));
  expect(found).toEqual([
    ['a/1', 'a/2', 'a/timer/1'],
    ['a/3', 'a/4', 'a/timer/1'],
    ['b/5', 'a/timer/1'],
    ['a/1', 'a/2', 'a/timer/1'],
  ]);
});

it('gives the next free place to a tenant who has none, though another has many runs that take long', async () => {
  const clock = fakeClock();
  const slow = defineServiceTemplate({
    name: 'slow',
    config: z.object({}),
    steps: [{ key: 'port', run: () => clock.sleep(10_000) }],
  });
  const backend = { store: memoryLifecycleStore({ clock }), clock, close: () => Promise.resolve() };
  const run = await rig(backend, { templates: [slow], concurrency: 4 });
  onTestFinished(async () => {
    const stopped = run.stop();
    await clock.advance(60_000);
    await stopped;
  });
  const id = await run.active();
  for (let service = 0; service < 60; service++) await run.acme.services.request(id, { serviceName: 'slow' });
  const { id: other } = await run.other.customers.register(someone());
  await until(() => run.sent.some(({ customerId }) => customerId === other), clock);
  await run.other.timers.set(other, { name: 'later', command: 'reject', dueAt: clock.now() + 1_000 });
  await clock.advance(12_000);
  expect(await run.other.timers.list(other)).toEqual([]);
});
