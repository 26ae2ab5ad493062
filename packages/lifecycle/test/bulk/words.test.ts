import { describe, expect, it } from 'vitest';
import type { BulkDraft } from '../../src/bulk/operation.js';
import { backends } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until } from '../support/lifecycle.js';

const words = 'moved in with zebulon@quuxmail.example';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`the words of an operation on many, on ${title}`, () => {
    it('are sealed for each where they are few, lie open where they are many, and are shown in either', async () => {
      const backend = await create();
      const { store } = backend;
      const run = await rig(backend);
      const { history, privacy } = store.tenant('acme');
      const told = async (count: number, asked: Pick<BulkDraft, 'command' | 'input'>) => {
        const userType = `${asked.command}-${count}`;
        const people = await crowd(store, count, { stage: 'active', userType });
        const { id } = await run.acme.bulk.start({ ...asked, filter: { userTypes: [userType] }, dryRun: false });
        await until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock);
        expect(await run.acme.bulk.get(id)).toMatchObject({ processed: count, changed: count });
        const [person] = people;
        const customerId = person?.id ?? '';
        const [entry] = (await history.list(customerId, { limit: 9 })).filter(({ seq }) => seq === 2);
        const [shown] = (await run.acme.feed.history(customerId, { limit: 1 })).items;
        expect(JSON.stringify(shown?.details)).toContain(words);
        return { customerId, kept: JSON.stringify(entry?.event.data), sealed: entry?.sealed };
      };
      for (const asked of [
        { command: 'deactivate', input: { reason: words } },
        { command: 'suspend', input: { actionType: 'move', parameters: { words } } },
      ] as const) {
        const few = await told(99, asked);
        expect(few.kept).not.toContain('zebulon');
        expect([few.sealed, await privacy.key(few.customerId)]).toEqual([expect.any(String), expect.any(String)]);
        const many = await told(100, asked);
        expect([many.kept.includes('zebulon'), many.sealed]).toEqual([true, undefined]);
      }
      const silent = await crowd(store, 3, { stage: 'active', userType: 'silent' });
      const filter = { userTypes: ['silent'] };
      await run.acme.bulk.start({ command: 'deactivate', filter, dryRun: false });
      const isLeft = async () => (await run.acme.customers.read(silent[2]?.id ?? '')).stage === 'inactive';
      await until(isLeft, run.clock);
      expect(await privacy.key(silent[0]?.id ?? '')).toBeUndefined();
      await run.stop();
      await backend.close();
    }, 60_000);
  });
