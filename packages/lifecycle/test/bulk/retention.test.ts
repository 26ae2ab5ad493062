import { silentLogger } from '@dotmac/core';
import { expect, it, vi } from 'vitest';
import { createLifecycle } from '../../src/lifecycle.js';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import { backends } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until } from '../support/lifecycle.js';

const day = 86_400_000;

it.each(backends.filter(({ present }) => present))(
  'an operation on many is gone so many days after its end, on $title',
  async ({ create }) => {
    const backend = await create();
    const run = await rig(backend, { keptDays: { bulk: 30 } });
    const { bulk } = run.acme;
    await crowd(backend.store, 2);
    const { id } = await bulk.start({ command: 'reactivate', input: { actionType: 'x' }, filter: {} });
    await until(async () => (await bulk.get(id)).status === 'completed', run.clock);
    run.clock.set(run.clock.now() + 29.9 * day);
    expect(await bulk.failures(id)).toMatchObject({ items: [{ code: 'ILLEGAL_TRANSITION' }, {}] });
    run.clock.set(run.clock.now() + 0.2 * day);
    const missing = { code: 'BULK_NOT_FOUND' };
    for (const ask of [bulk.get, bulk.run, bulk.failures]) await expect(ask(id)).rejects.toMatchObject(missing);
    await until(async () => (await bulk.operations()).items.length === 0, run.clock, 10_000);
    await run.stop();
    await backend.close();
  },
);

it.each(backends.filter(({ present }) => present))(
  'an operation that nobody lists customers for is over after a week, and keeps no other from being begun, on $title',
  async ({ create }) => {
    const backend = await create();
    const run = await rig(backend);
    const { bulk } = run.acme;
    const draft = { command: 'delete', filter: { listed: true } } as const;
    const left = await Promise.all(Array.from({ length: 20 }, () => bulk.start(draft)));
    const [listed] = left;
    await expect(bulk.start(draft)).rejects.toMatchObject({ code: 'BULK_LIMIT' });
    run.clock.set(run.clock.now() + 6.9 * day);
    const lines = async function* () {
      yield { line: 1, ok: true, value: { customerId: 'one' } } as const;
    };
    for await (const { status } of await bulk.list(listed?.id ?? '', lines())) expect(status).toBe('created');
    const statuses = async () => (await bulk.operations()).items.map(({ status }) => status);
    await run.clock.advance(700_000);
    expect(new Set(await statuses())).toEqual(new Set(['collecting']));
    run.clock.set(run.clock.now() + 0.2 * day);
    await until(async () => (await statuses()).filter((it) => it === 'cancelled').length === 19, run.clock, 10_000);
    expect(await bulk.get(listed?.id ?? '')).toMatchObject({ status: 'collecting', endedAt: null });
    const endedAt = (await bulk.get(left[1]?.id ?? '')).endedAt ?? 0;
    expect(Math.abs(endedAt - run.clock.now())).toBeLessThan(1_000_000);
    expect(await bulk.start(draft)).toMatchObject({ status: 'collecting' });
    await run.stop();
    await backend.close();
  },
);

it.each(backends.filter(({ present }) => present))(
  'what is kept for ever is left alone, and nobody complains of it, on $title',
  async ({ create }) => {
    const backend = await create();
    const warn = vi.fn();
    const logger = { ...silentLogger, warn };
    const run = await rig(backend, { logger, keptDays: { bulk: Infinity, parked: Infinity } });
    const { bulk } = run.acme;
    const { id } = await bulk.start({ command: 'reactivate', input: { actionType: 'x' }, filter: {} });
    await until(async () => (await bulk.get(id)).status === 'completed', run.clock);
    run.clock.set(run.clock.now() + 1_000 * day);
    const asked = vi.spyOn(backend.store.outbox, 'pruneParked');
    await until(() => asked.mock.calls.length > 1, run.clock, 10_000);
    expect(await bulk.get(id)).toMatchObject({ id });
    expect(warn).not.toHaveBeenCalled();
    await run.stop();
    await backend.close();
  },
);

it.each([Infinity, 0, Number.NaN])('answers are not kept for %s seconds', (idempotencyRetentionSeconds) => {
  expect(() => createLifecycle({ store: memoryLifecycleStore(), idempotencyRetentionSeconds })).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  );
});

it('nothing is kept for less than a day', () => {
  expect(() => createLifecycle({ store: memoryLifecycleStore(), keptDays: { bulk: 0.5 } })).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  );
});
