import { describe, expect, it } from 'vitest';
import { anOperation } from '../../src/testing/bulk-cases.js';
import { backends } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until } from '../support/lifecycle.js';
import { over } from '../support/over-http.js';

interface Failures {
  items: { id: string }[];
  next_cursor: string | null;
}

const operation = anOperation('acme', { filter: { listed: true } });

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

    it('are told a page at a time over HTTP where they are refused, whatever they are named', async () => {
      const backend = await create();
      const run = await rig(backend);
      const { bulk } = run.acme;
      const named = ['!', '0199C0DE', 'customer:7', 'x'.repeat(36), '~'];
      const { id } = await bulk.start({ command: 'delete', filter: { listed: true }, dryRun: false });
      const lines = async function* () {
        for (const [index, customerId] of named.entries())
          yield { line: index + 1, ok: true, value: { customerId } } as const;
      };
      for await (const { status } of await bulk.list(id, lines())) expect(status).toBe('created');
      await bulk.run(id);
      await until(async () => (await bulk.get(id)).status === 'completed', run.clock);
      const page = async (query: Record<string, string>) => {
        const answer = await over(run.module, 'GET', 'bulk-operations/{id}/failures', { params: { id }, query });
        return { status: answer.status, ...(JSON.parse(answer.body as string) as Failures) };
      };
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { status, items, next_cursor: next } = await page({ limit: '2', ...(cursor && { cursor }) });
        expect(status).toBe(200);
        seen.push(...items.map((it) => it.id));
        cursor = next;
      }
      expect(seen).toEqual(named);
      for (const cursor of ['two words', 'x'.repeat(37), 'ß'])
        expect(await page({ cursor })).toMatchObject({ status: 422, code: 'INVALID_INPUT' });
      await run.stop();
      await backend.close();
    });

    it('are meant if their lines were answered `created`, and none is once it was begun or cancelled', async () => {
      const backend = await create();
      const run = await rig(backend);
      const { bulk } = run.acme;
      const people = await crowd(backend.store, 2);
      for (const end of [bulk.run, bulk.cancel]) {
        const { id } = await bulk.start({ command: 'delete', filter: { listed: true } });
        let answered: () => void = () => undefined;
        const first = new Promise<void>((resolve) => (answered = resolve));
        const lines = async function* () {
          yield { line: 1, ok: true, value: { customerId: people[0]?.id ?? '' } } as const;
          await first;
          await end(id);
          yield { line: 2, ok: true, value: { customerId: people[1]?.id ?? '' } } as const;
        };
        const answers: unknown[] = [];
        const all = async () => {
          for await (const answer of await bulk.list(id, lines())) {
            answers.push(answer);
            answered();
          }
        };
        await expect(all()).rejects.toMatchObject({ code: 'BULK_NOT_COLLECTING' });
        expect(answers).toMatchObject([{ line: 1, status: 'created' }]);
        await until(async () => ['completed', 'cancelled'].includes((await bulk.get(id)).status), run.clock);
        const meant = await backend.store.tenant('acme').bulk.count({ ...operation, id });
        expect(meant).toBe(1);
      }
      await run.stop();
      await backend.close();
    });

    it('are meant also if it is begun or cancelled while they are being listed: that waits for them', async () => {
      const backend = await create();
      const { store } = backend;
      let meanwhile: () => Promise<void> = () => expect.unreachable();
      const tenant = (tenantId: string) => {
        const inner = store.tenant(tenantId);
        const addTargets: typeof inner.bulk.addTargets = async (...asked) => {
          await meanwhile();
          await inner.bulk.addTargets(...asked);
        };
        return { ...inner, bulk: { ...inner.bulk, addTargets } };
      };
      const run = await rig({ ...backend, store: { ...store, tenant } });
      const { bulk } = run.acme;
      const [one] = await crowd(store, 1);
      for (const end of [bulk.cancel, bulk.run]) {
        const { id } = await bulk.start({ command: 'delete', filter: { listed: true }, dryRun: false });
        let ended: Promise<unknown> | undefined;
        meanwhile = async () => {
          ended = end(id);
          // Who does not wait is done by then; where there is one transaction at a time, none can be.
          for (let round = 0; store.capabilities.parallelTransactions && round < 30; round++)
            expect((await bulk.get(id)).status).toBe('collecting');
        };
        const lines = async function* () {
          yield { line: 1, ok: true, value: { customerId: one?.id ?? '' } } as const;
        };
        const answers: unknown[] = [];
        for await (const answer of await bulk.list(id, lines())) answers.push(answer);
        expect(answers).toMatchObject([{ line: 1, status: 'created' }]);
        await ended;
        expect(await store.tenant('acme').bulk.count({ ...operation, id })).toBe(1);
        await until(async () => ['completed', 'cancelled'].includes((await bulk.get(id)).status), run.clock);
        expect(await bulk.get(id)).toMatchObject(end === bulk.run ? { total: 1, changed: 1 } : { status: 'cancelled' });
      }
      await run.stop();
      await backend.close();
    });
  });
