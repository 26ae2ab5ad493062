import { expect, it } from 'vitest';
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

it('nothing is kept for less than a day', () => {
  expect(() => createLifecycle({ store: memoryLifecycleStore(), keptDays: { bulk: 0.5 } })).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  );
});
