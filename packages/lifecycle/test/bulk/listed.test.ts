import { describe, expect, it } from 'vitest';
import { backends } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`customers that are listed for an operation, on ${title}`, () => {
    it('are those that are named, and no others whose ids a line begins with', async () => {
      const backend = await create();
      const run = await rig(backend);
      const { bulk, customers } = run.acme;
      const [one, other] = (await crowd(backend.store, 2)).map(({ id }) => id) as [string, string];
      const { id } = await bulk.start({ command: 'delete', filter: { listed: true }, dryRun: false });
      const lines = async function* () {
        for (const [index, customerId] of [`${one}-old`, other].entries())
          yield { line: index + 1, ok: true, value: { customerId } } as const;
      };
      const answers: unknown[] = [];
      for await (const answer of await bulk.list(id, lines())) answers.push(answer);
      expect(answers).toMatchObject([
        { line: 1, status: 'refused', code: 'INVALID_INPUT' },
        { line: 2, status: 'created', id: other },
      ]);
      await bulk.run(id);
      await until(async () => (await bulk.get(id)).status === 'completed', run.clock);
      expect(await bulk.get(id)).toMatchObject({ total: 1, changed: 1, refused: 0 });
      const stages = await Promise.all([one, other].map(async (it) => (await customers.get(it)).lifecycleStage));
      expect(stages[0]).not.toBe('deleted');
      expect(stages[1]).toBe('deleted');
      await run.stop();
      await backend.close();
    });
  });
