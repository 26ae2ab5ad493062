import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConsistencyAsk } from '../../src/consistency/service.js';
import type { ConsistencyLine } from '../../src/consistency/report.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import type { Erasure } from '../../src/store/privacy.js';
import { aCustomer, aService, anEvent } from '../../src/testing/samples.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`the check of customers against their history on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeEach(async () => {
      backend = await create();
      const line = defineServiceTemplate({
        name: 'line',
        config: z.object({}),
        steps: [{ key: 'port', run: () => ({ port: 1 }) }],
      });
      run = await rig(backend, { searchableAttributes: ['plan'], templates: [line] });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const check = async (ask: ConsistencyAsk = {}): Promise<ConsistencyLine[]> => {
      const lines: ConsistencyLine[] = [];
      for await (const line of run.acme.consistency.check(ask)) lines.push(line);
      return lines;
    };
    const change = async (id: string, patch: object): Promise<void> => {
      const { customers } = backend.store.tenant('acme');
      const customer = await customers.get(id);
      if (!customer) throw new Error('there is no such customer');
      await customers.change({ before: customer, after: { ...customer, ...patch }, history: [], outbox: [] });
    };

    it('finds nothing where nobody interfered, however long a history is', async () => {
      const busy = await run.active();
      for (let round = 0; round < 60; round++) {
        await run.acme.suspension.suspend(busy, { actionType: `reason-${round % 3}` });
        await run.acme.suspension.promise(busy, { actionType: `reason-${round % 3}`, until: run.clock.now() + 1_000 });
        await run.acme.suspension.reactivate(busy, { actionType: 'all' });
      }
      await run.acme.suspension.throttle(busy, { actionType: 'slow' });
      await run.acme.customers.register({ ...someone(), attributes: { plan: 'gold' }, requiresApproval: true });
      await run.other.customers.register(someone());
      expect(await check()).toEqual([{ kind: 'done', checked: 2, differing: 0, customerId: null, differences: [] }]);
    }, 60_000);

    it('names each customer that differs, and in what', async () => {
      const [changed, lost] = [await run.active(), await run.active()];
      await run.acme.customers.register(someone());
      await change(changed, { stage: 'churning' });
      await change(lost, { version: 7, username: 'renamed' });
      const lines = await check();
      expect(lines.at(-1)).toMatchObject({ kind: 'done', checked: 3, differing: 2 });
      const of = (id: string) => lines.find(({ customerId }) => customerId === id)?.differences;
      expect(of(changed)).toEqual([{ field: 'stage', row: '"churning"', history: '"active"' }]);
      expect(of(lost)).toMatchObject([{ field: 'version', row: '7', history: '4' }, { field: 'search' }]);
    });

    it('names whom the row has churn from another stage than the history', async () => {
      const [{ id }, active] = [await run.acme.customers.register(someone()), await run.active()];
      await run.acme.verification.verify(id, {
        verificationToken: await run.token(id),
        verificationType: 'email',
      });
      for (const each of [id, active]) await run.acme.customers.markChurning(each);
      expect(await check()).toMatchObject([{ kind: 'done', checked: 2 }]);
      await change(id, { churningFrom: 'active' });
      const field = { field: 'churning_from', row: '"active"', history: '"verification"' };
      expect((await check())[0]).toMatchObject({ customerId: id, differences: [field] });
      await change(id, { churningFrom: 'verification' });
      await run.acme.customers.winBack(id);
      expect(await check()).toMatchObject([{ kind: 'done', checked: 2 }]);
    });

    it('names what was changed beside the history: an id of the host’s, a profile, and who opened a reason, why and when', async () => {
      const { acme } = run;
      const id = await run.active();
      await acme.customers.link(id, { externalId: 'user-1' });
      await acme.customers.update(id, { lastName: 'Quux', attributes: { plan: 'gold' } });
      const words = { actionType: 'abuse', reason: 'loud', parameters: { b: 1, a: [{ d: 2, c: null }] } };
      await acme.suspension.suspend(id, words);
      expect((await check()).map(({ kind }) => kind)).toEqual(['done']);
      const { blocks } = await acme.customers.read(id);
      const opened = blocks.map((block) => ({ ...block, note: 'quiet' }));
      await change(id, { externalId: 'user-2', lastName: 'Quuux', registrationSource: 'shop', blocks: opened });
      const [found] = await check();
      expect(found?.differences).toMatchObject([
        { field: 'registration_source', row: '"shop"', history: '"api"' },
        { field: 'external_id', row: '"user-2"', history: '"user-1"' },
        { field: 'last_name', row: '"Quuux"', history: '"Quux"' },
        { field: 'reason abuse' },
        { field: 'search' },
      ]);
      expect(JSON.parse(found?.differences[3]?.history ?? '')).toEqual({
        reason: 'abuse',
        note: 'loud',
        parameters: words.parameters,
        openedBy: 'user:1',
        openedAt: blocks[0]?.openedAt,
      });
    });

    it('names what an erasure left behind, and of what was sealed with a key that is gone nothing', async () => {
      const { acme } = run;
      const [erased, keyless] = [await run.active(), await run.active()];
      for (const id of [erased, keyless]) {
        await acme.customers.link(id, { externalId: `user of ${id}` });
        await acme.customers.update(id, { lastName: 'Quux' });
        await acme.suspension.suspend(id, { actionType: 'abuse', reason: 'loud' });
      }
      await acme.customers.delete(erased);
      await acme.privacy.erase(erased);
      const { privacy } = backend.store.tenant('acme');
      const theKeyAlone: Erasure = {
        entry: () => undefined,
        service: (service) => service,
        run: (ended) => ended,
        signals: (signals) => [...signals],
        operation: () => undefined,
        answer: (answer) => answer,
      };
      await backend.store.transaction((trx) => privacy.wipe(keyless, theKeyAlone, trx));
      expect((await check()).map(({ kind }) => kind)).toEqual(['done']);
      await change(erased, { firstName: 'Ann', phone: '+4930901820' });
      const [found, done] = await check();
      expect(found).toMatchObject({
        customerId: erased,
        differences: [{ field: 'first_name' }, { field: 'phone' }, {}],
      });
      expect(done).toMatchObject({ differing: 1 });
    });

    it('names services that are not what happened to them', async () => {
      const { services } = run.acme;
      const id = await run.active();
      const [one, two] = [
        (await services.request(id, { serviceName: 'line' })).id,
        (await services.request(id, { serviceName: 'line' })).id,
      ];
      const settled = (serviceId: string, status: string) =>
        until(async () => {
          const now = await services.get(serviceId);
          return now.status === status && now.openRunId === null;
        }, run.clock);
      await settled(one, 'active');
      await settled(two, 'active');
      await services.suspend(one, { actionType: 'abuse' });
      await services.terminate(two);
      await settled(one, 'suspended');
      await settled(two, 'terminated');
      expect((await check()).map(({ kind }) => kind)).toEqual(['done']);
      const { store } = backend;
      const kept = await services.read(one);
      await store.transaction((trx) =>
        store.tenant('acme').services.replace({ ...kept, access: 'full', blocks: [] }, trx),
      );
      const [found, done] = await check();
      expect(done).toMatchObject({ kind: 'done', checked: 1, differing: 1 });
      expect(found).toMatchObject({ customerId: id, differences: [{ field: `service ${one}` }] });
      const { row = '', history = '' } = found?.differences[0] ?? {};
      expect(JSON.parse(row)).toMatchObject({ status: 'suspended', access: 'full', reasons: [] });
      expect(JSON.parse(history)).toMatchObject({ access: 'suspended', reasons: [{ reason: 'abuse' }] });
    });

    it('names customers and services of whom no history speaks', async () => {
      const [known, unknown] = [await run.active(), aCustomer('acme')];
      const { store } = backend;
      const { customers, services } = store.tenant('acme');
      const service = aService('acme', known);
      await store.transaction(async (trx) => {
        await services.insert(service, trx);
        await customers.insert([unknown], trx);
      });
      const lines = await check();
      expect(lines.at(-1)).toMatchObject({ kind: 'done', checked: 2, differing: 2 });
      const of = (id: string) => lines.find(({ customerId }) => customerId === id)?.differences;
      expect(of(known)).toMatchObject([{ field: `service ${service.id}`, history: 'null' }]);
      expect(of(unknown.id)).toContainEqual({ field: 'version', row: '1', history: '0' });
    });

    it('names histories whose customer is gone', async () => {
      const kept = await run.acme.customers.register(someone());
      const lost = ['one', 'two'].map((name) => ({ seq: 1, event: anEvent('acme', name, 'registration') }));
      await backend.store.transaction((trx) => backend.store.tenant('acme').history.append(lost, trx));
      const differences = [{ field: 'customer', row: 'null', history: 'has events' }];
      expect(await check()).toEqual([
        { kind: 'difference', checked: 1, differing: 1, customerId: 'one', differences },
        { kind: 'difference', checked: 1, differing: 2, customerId: 'two', differences },
        { kind: 'done', checked: 1, differing: 2, customerId: null, differences: [] },
      ]);
      expect(await run.acme.customers.get(kept.id)).toMatchObject({ id: kept.id });
    });

    it('repairs what customers are found by, and stops when it is told to', async () => {
      const { id } = await run.acme.customers.register({ ...someone(), attributes: { plan: 'gold' } });
      await change(id, { firstName: 'Zoe' });
      expect((await run.acme.customers.list({ search: 'zoe' })).items).toEqual([]);
      expect((await check()).map(({ kind }) => kind)).toEqual(['difference', 'done']);
      expect((await check({ repairSearch: true })).map(({ kind }) => kind)).toEqual(['difference', 'done']);
      expect((await check()).map(({ kind }) => kind)).toEqual(['done']);
      expect((await run.acme.customers.list({ search: 'zoe' })).items).toHaveLength(1);
      await expect(check({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    });
  });
