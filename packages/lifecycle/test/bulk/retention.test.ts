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
