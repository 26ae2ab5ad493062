import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BulkDraft } from '../../src/bulk/operation.js';
import { createLifecycle } from '../../src/lifecycle.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const draft = { command: 'suspend', input: { actionType: 'move' }, filter: { stages: ['active'] } } satisfies BulkDraft;

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`an operation on many under an idempotency key on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeAll(async () => {
      backend = await create();
      run = await rig(backend);
      await crowd(backend.store, 3);
    });
    afterAll(async () => {
      await run.stop();
      await backend.close();
    });
    const operations = async () => (await run.acme.bulk.operations()).items;
    const over = (id: string) => until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock);

    it('is started by one of ten racers; all get the same answer', async () => {
      const onReplay = vi.fn();
      const before = (await operations()).length;
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => run.acme.bulk.start(draft, { idempotencyKey: 'race', onReplay })),
      );
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
      expect(onReplay).toHaveBeenCalledTimes(9);
      expect(await operations()).toHaveLength(before + 1);
    });

    it('is answered as it was the first time, also when it is over; and refused with another input', async () => {
      const first = await run.acme.bulk.start(draft, { idempotencyKey: 'k' });
      await over(first.id);
      expect(await run.acme.bulk.start(draft, { idempotencyKey: 'k' })).toEqual(first);
      const another = run.acme.bulk.start({ ...draft, dryRun: false }, { idempotencyKey: 'k' });
      await expect(another).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    });

    it('is not done for real by who asks for its dry run once more', async () => {
      const [one] = await crowd(backend.store, 1);
      const lines = async function* () {
        yield { line: 1, ok: true, value: { customerId: one?.id ?? '' } } as const;
      };
      // Nobody works on it meanwhile.
      const { bulk } = createLifecycle(backend).scope({ tenantId: 'acme' });
      const listed = await bulk.start({ ...draft, filter: { listed: true } });
      for await (const line of await bulk.list(listed.id, lines())) expect(line).toMatchObject({ line: 1 });
      const before = (await operations()).length;
      const asked = await Promise.allSettled(Array.from({ length: 4 }, () => bulk.run(listed.id)));
      const refusals = asked.flatMap((it) => (it.status === 'rejected' ? [(it.reason as { code: string }).code] : []));
      expect(refusals).toEqual(Array.from({ length: 3 }, () => 'BULK_NOT_RUNNABLE'));
      await expect(bulk.run(listed.id)).rejects.toMatchObject({ code: 'BULK_NOT_RUNNABLE' });
      expect(await operations()).toHaveLength(before);
      await over(listed.id);
      await over((await run.acme.bulk.run(listed.id)).id);
      const [last] = await operations();
      expect(last).toMatchObject({ dryRun: false, changed: 1 });
    });

    it('is done once after its dry run, with those who were listed', async () => {
      const [one] = await crowd(backend.store, 1);
      const dry = await run.acme.bulk.start({ ...draft, filter: { listed: true } }, { idempotencyKey: 'listed' });
      const lines = async function* () {
        yield { line: 1, ok: true, value: { customerId: one?.id ?? '' } } as const;
      };
      for await (const line of await run.acme.bulk.list(dry.id, lines())) expect(line).toMatchObject({ line: 1 });
      const begun = await run.acme.bulk.run(dry.id, { idempotencyKey: 'begin' });
      await over(dry.id);
      expect(await run.acme.bulk.run(dry.id, { idempotencyKey: 'begin' })).toEqual(begun);
      const first = await run.acme.bulk.run(dry.id, { idempotencyKey: 'do' });
      expect((await run.acme.bulk.run(dry.id, { idempotencyKey: 'do' })).id).toBe(first.id);
      await over(first.id);
      expect(await run.acme.bulk.get(first.id)).toMatchObject({ dryRun: false, processed: 1, changed: 1 });
    });
  });
