import { newId } from '@dotmac/core';
import type { CoreTables } from '@dotmac/core/kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BulkDraft, BulkView } from '../../src/bulk/operation.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';
import { tracesOf } from '../support/traces.js';

const person = {
  username: 'zebulon',
  email: 'zebulon@quuxmail.example',
  firstName: 'Zebulon',
  lastName: 'Quux',
  userType: 'residential',
  attributes: { passport: 'P-5550199', plan: 'gold' },
};
const reason = 'Zebulon does not pay';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what operations on many looked for, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    let hook: (input: { customerId: string }) => Promise<void> | undefined;
    beforeEach(async () => {
      backend = await create();
      hook = () => undefined;
      run = await rig(backend, {
        searchableAttributes: ['passport', 'plan'],
        hooks: { 'customer.suspend': { before: ({ input }) => hook(input) } },
        hookTimeoutMs: 86_400_000,
      });
      ({ id } = await run.acme.customers.register(person));
      await run.acme.customers.link(id, { externalId: 'crm-5550199' });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const finished = async (filter: BulkDraft['filter']): Promise<string> => {
      const input = { actionType: 'late', reason, parameters: { who: person.email } };
      const started = await run.acme.bulk.start({ command: 'suspend', input, filter });
      await until(async () => (await run.acme.bulk.get(started.id)).status === 'completed', run.clock);
      return started.id;
    };
    const erase = async (): Promise<void> => {
      await run.acme.customers.delete(id);
      await run.acme.privacy.erase(id);
    };

    /** What is left of operations that look for somebody, once that somebody has changed and is erased. */
    const leftOf = async (
      asked: readonly BulkDraft['filter'][],
      change: () => Promise<unknown> = () => Promise.resolve(),
    ): Promise<BulkView[]> => {
      const ids: string[] = [];
      for (const filter of asked) ids.push(await finished(filter));
      await change();
      await erase();
      return Promise.all(ids.map((it) => run.acme.bulk.get(it)));
    };

    it('is erased with the customer that it found, and then means nobody else', async () => {
      await run.acme.customers.update(id, { email: 'z.quux@quuxmail.example' });
      const left = await leftOf([
        { search: 'Zebulon@Quux' },
        { search: 'z.quux@' },
        { search: 'zebulon quux', stages: ['registration'] },
        { externalId: 'crm-5550199' },
        { attribute: 'passport:p-5550199' },
      ]);
      const gone = `erased ${id}`;
      expect(left.map(({ filter }) => filter)).toEqual([
        { search: gone },
        { search: gone },
        { search: gone, stages: ['registration'] },
        { externalId: gone },
        { attribute: `passport:${gone}` },
      ]);
      for (const { input } of left) expect(input).toEqual({ actionType: 'late', reason: null, parameters: {} });
      const again = await run.acme.bulk.run(left[0]?.id ?? '');
      await until(async () => (await run.acme.bulk.get(again.id)).status === 'completed', run.clock);
      expect(await run.acme.bulk.get(again.id)).toMatchObject({ total: 1, changed: 0, refused: 1 });
    });

    it('is erased with the customer that it found by what it was before', async () => {
      const { customers } = run.acme;
      await customers.update(id, { lastName: 'Zyx', attributes: { passport: 'P-7770001' } });
      for (const firstName of ['Zab', 'Zebulon']) await customers.update(id, { firstName });
      await customers.update(id, { lastName: 'Quuxley' });
      await customers.link(id, { externalId: 'crm-7770001' });
      const others = await finished({ externalId: 'crm-1' });
      const found = [
        { search: 'zebulon zyx' },
        { search: 'zyx' },
        { externalId: 'crm-5550199' },
        { attribute: 'passport:p-7770001' },
      ];
      const left = await leftOf(found, async () => {
        await customers.update(id, { attributes: { passport: null } });
        await customers.link(id, { externalId: null });
      });
      const gone = `erased ${id}`;
      expect(left.map(({ filter }) => filter)).toEqual([
        { search: gone },
        { search: gone },
        { externalId: gone },
        { attribute: `passport:${gone}` },
      ]);
      for (const { input } of left) expect(input).toMatchObject({ reason: null });
      expect(await run.acme.bulk.get(others)).toMatchObject({ filter: { externalId: 'crm-1' }, input: { reason } });
    });

    it('is erased with the customer that it found by what it was registered with, and was changed once since', async () => {
      const { customers } = run.acme;
      const registered = { ...person, username: 'zed', email: 'zed@quuxmail.example', externalId: 'erp-5550199' };
      await erase();
      ({ id } = await customers.register(registered));
      const found = [
        { search: 'zebulon quux' },
        { search: 'quux' },
        { externalId: 'erp-5550199' },
        { attribute: 'passport:p-5550199' },
        { attribute: 'plan:gold' },
      ];
      const left = await leftOf(found, async () => {
        await customers.update(id, { firstName: 'Zab', attributes: { passport: 'P-7770001', plan: null } });
        await customers.update(id, { lastName: 'Zyx' });
        await customers.link(id, { externalId: null });
      });
      const gone = `erased ${id}`;
      expect(left.map(({ filter }) => filter)).toEqual([
        { search: gone },
        { search: gone },
        { externalId: gone },
        { attribute: `passport:${gone}` },
        { attribute: `plan:${gone}` },
      ]);
      for (const { input } of left) expect(input).toMatchObject({ reason: null });
      if (backend.database) expect(await tracesOf(backend.database, ['5550199', 'P-7770001', 'quuxmail'])).toEqual([]);
    });

    it('is erased from what it answered under its key, which stays taken', async () => {
      const asked = {
        command: 'suspend',
        input: { actionType: 'late', reason },
        filter: { search: person.email },
      } as const;
      const first = await run.acme.bulk.start(asked, { idempotencyKey: 'start' });
      await until(async () => (await run.acme.bulk.get(first.id)).status === 'completed', run.clock);
      const done = await run.acme.bulk.run(first.id, { idempotencyKey: 'run' });
      await until(async () => (await run.acme.bulk.get(done.id)).status === 'completed', run.clock);
      await erase();
      const left = { filter: { search: `erased ${id}` }, input: { actionType: 'late', reason: null } };
      expect(await run.acme.bulk.start(asked, { idempotencyKey: 'start' })).toEqual({ ...first, ...left });
      expect(await run.acme.bulk.run(first.id, { idempotencyKey: 'run' })).toEqual({ ...done, ...left });
      if (backend.database) expect(await tracesOf(backend.database, [person.email, reason])).toEqual([]);
    });

    if (title !== 'memory')
      it('is erased from what requests to cancel them were answered under their keys', async () => {
        const database = backend.database ?? expect.unreachable();
        for (const key_hash of ['k', 'l']) {
          const answer = { status: 200, body: await run.acme.bulk.cancel(await finished({ search: person.email })) };
          const row = { tenant_id: 'acme', key_hash, fingerprint: 'f', lease_until: 0, keep_until: 9e12 };
          const answers = database.withTables<CoreTables>().insertInto('dotmac_idempotency');
          await answers.values({ ...row, answer: JSON.stringify(answer) }).execute();
        }
        await erase();
        expect(await tracesOf(database, [person.email, reason])).toEqual([]);
      });

    it('loses its words with a customer that it listed, and keeps them where it listed others', async () => {
      const { id: another } = await run.acme.customers.register({
        ...person,
        username: 'trinity',
        email: 't@x.example',
      });
      const listing = async (customerId: string): Promise<string> => {
        const input = { actionType: 'late', reason };
        const { id: operationId } = await run.acme.bulk.start({ command: 'suspend', input, filter: { listed: true } });
        const lines = async function* () {
          yield { line: 1, ok: true, value: { customerId } } as const;
        };
        for await (const line of await run.acme.bulk.list(operationId, lines()))
          expect(line).toMatchObject({ line: 1 });
        await run.acme.bulk.run(operationId);
        await until(async () => (await run.acme.bulk.get(operationId)).status === 'completed', run.clock);
        return operationId;
      };
      const [own, theirs] = [await listing(id), await listing(another)];
      await erase();
      const left = { filter: { listed: true }, input: { actionType: 'late', reason: null } };
      expect(await run.acme.bulk.get(own)).toMatchObject(left);
      expect((await run.acme.bulk.get(theirs)).input).toEqual({ actionType: 'late', reason });
    });

    it('is erased while it goes on: shown so at once, told to the others as it was said, and gone with its end', async () => {
      const another = await run.active();
      await run.acme.customers.update(another, { lastName: 'Zeno' });
      let [isReached, goOn] = [false, (): void => undefined];
      const gate = new Promise<void>((resolve) => (goOn = resolve));
      hook = ({ customerId }) => {
        if (customerId !== another) return;
        isReached = true;
        return gate;
      };
      const input = { actionType: 'late', reason, parameters: { who: person.email } };
      const asked: BulkDraft = { command: 'suspend', input, filter: { search: 'ze' }, dryRun: false };
      const first = await run.acme.bulk.start(asked, { idempotencyKey: 'start' });
      await until(() => isReached, run.clock);
      await erase();
      const left = { filter: { search: `erased ${id}` }, input: { actionType: 'late', reason: null, parameters: {} } };
      expect(await run.acme.bulk.get(first.id)).toMatchObject({ status: 'running', ...left });
      expect((await run.acme.bulk.operations()).items).toMatchObject([left]);
      expect(await run.acme.bulk.start(asked, { idempotencyKey: 'start' })).toEqual({ ...first, ...left });
      goOn();
      await until(async () => (await run.acme.bulk.get(first.id)).status === 'completed', run.clock);
      expect(await run.acme.bulk.get(first.id)).toMatchObject({ processed: 2, ...left });
      expect((await run.acme.customers.read(another)).blocks).toMatchObject([{ note: reason }]);
      expect(await backend.store.tenant('acme').bulk.get(first.id)).toMatchObject({ ...left, erased: null });
    });

    it('is erased while it waits to be run: shown so, answered so, and gone with its end', async () => {
      const another = await run.active();
      const input = { actionType: 'late', reason };
      const listing = async (): Promise<string> => {
        const started = await run.acme.bulk.start({
          command: 'suspend',
          input,
          filter: { listed: true },
          dryRun: false,
        });
        const lines = async function* () {
          for (const customerId of [id, another]) yield { line: 1, ok: true, value: { customerId } } as const;
        };
        for await (const line of await run.acme.bulk.list(started.id, lines())) expect(line).toBeDefined();
        return started.id;
      };
      const [begun, cancelled] = [await listing(), await listing()];
      await erase();
      const left = { filter: { listed: true }, input: { actionType: 'late', reason: null } };
      for (const operationId of [begun, cancelled])
        expect(await run.acme.bulk.get(operationId)).toMatchObject({ status: 'collecting', ...left });
      expect(await run.acme.bulk.cancel(cancelled)).toMatchObject({ status: 'cancelled', ...left });
      const answer = await run.acme.bulk.run(begun, { idempotencyKey: 'run' });
      expect(answer).toMatchObject({ status: 'pending', ...left });
      expect(await run.acme.bulk.run(begun, { idempotencyKey: 'run' })).toEqual(answer);
      await until(async () => (await run.acme.bulk.get(begun)).status === 'completed', run.clock);
      expect((await run.acme.customers.read(another)).blocks).toMatchObject([{ note: reason }]);
      const { bulk } = backend.store.tenant('acme');
      for (const operationId of [begun, cancelled])
        expect(await bulk.get(operationId)).toMatchObject({ ...left, erased: null });
    });

    it('stays where it found others, or so many that it is no one’s own', async () => {
      const { bulk } = backend.store.tenant('acme');
      const filters = [{ search: 'trinity' }, { attribute: 'plan:silver' }, { stages: ['registration' as const] }];
      const ids: string[] = [];
      for (const filter of filters) ids.push(await finished(filter));
      const [some] = ids;
      const counted = await bulk.get(some ?? '');
      const many = { ...(counted ?? expect.unreachable()), id: newId(), total: 100, filter: { search: 'z' } };
      await bulk.insert(many);
      await erase();
      for (const [index, it] of ids.entries()) expect((await bulk.get(it))?.filter).toEqual(filters[index]);
      expect(await bulk.get(many.id)).toEqual(many);
    });
  });
