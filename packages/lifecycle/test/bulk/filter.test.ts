import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '@dotmac/core';
import type { BulkFilter, BulkOperation } from '../../src/bulk/operation.js';
import { stages, type Stage } from '../../src/customers/stage.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`whom an operation on many means, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let registeredUntil: number;
    beforeAll(async () => {
      backend = await create();
      run = await rig(backend, { searchableAttributes: ['plan'] });
      for (let index = 0; index < 40; index++) {
        const attributes = { plan: index % 4 === 0 ? 'gold' : 'basic' };
        const lastName = index % 3 === 0 ? 'Andersson' : 'Smith';
        const userType = index % 2 === 0 ? 'business' : 'residential';
        const { id } = await run.acme.customers.register({ ...someone(), lastName, userType, attributes });
        await run.acme.customers.link(id, { externalId: `crm-${index}` });
        if (index % 5 === 0) await run.acme.customers.delete(id);
        if (index === 20) registeredUntil = run.clock.now();
        await run.clock.advance(1_000);
      }
    });
    afterAll(async () => {
      await run.stop();
      await backend.close();
    });
    const listed = async (filter: Omit<BulkFilter, 'stages' | 'userTypes' | 'listed'>): Promise<string[]> => {
      const ids: string[] = [];
      for (let cursor: string | undefined; ;) {
        const { items, nextCursor } = await run.acme.customers.list({ ...filter, limit: 7, cursor });
        ids.push(...items.map(({ id }) => id));
        if (nextCursor === null) return ids.sort();
        cursor = nextCursor;
      }
    };

    it('is who a list with the same filter shows', async () => {
      const filters = [
        {},
        { search: 'ANDERSS' },
        { search: 'user', userType: 'business' },
        { stage: 'deleted' },
        { attribute: 'plan:gold' },
        { attribute: 'plan:gold', search: 'anderss', stage: 'registration', userType: 'business' },
        { externalId: 'crm-7' },
        { createdFrom: registeredUntil },
        { updatedTo: registeredUntil, attribute: 'plan:basic' },
        { search: 'nobody' },
      ] as const;
      for (const filter of filters) {
        const expected = await listed(filter);
        const { id } = await run.acme.bulk.start({ command: 'delete', filter, dryRun: true });
        await until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock, 0);
        expect(await run.acme.bulk.get(id), JSON.stringify(filter)).toMatchObject({ total: expected.length });
        const kept = await backend.store.tenant('acme').bulk.get(id);
        const again = { ...(kept as NonNullable<typeof kept>), cursor: '' };
        const found = await backend.store.tenant('acme').bulk.next(again, 100);
        expect(found.map((it) => it.id)).toEqual(expected);
      }
    });

    it('is said in no more words than there are: each stage once is enough', async () => {
      const said = (stages: Stage[]) => run.acme.bulk.start({ command: 'delete', filter: { stages }, dryRun: true });
      await expect(said(Array.from({ length: 70_000 }, () => 'active'))).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        issues: [{ path: 'filter.stages' }],
      });
      const { id } = await said([...stages]);
      await until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock, 0);
      expect((await run.acme.bulk.get(id)).total).toBe(40);
    });

    it('is nobody for an attribute that is not searchable', async () => {
      const start = run.acme.bulk.start({ command: 'delete', filter: { attribute: 'age:7' }, dryRun: true });
      await expect(start).rejects.toMatchObject({ issues: [{ path: 'filter.attribute' }] });
    });

    it('is nobody, and not everybody, where what is asked for can be no one’s', async () => {
      const filters: BulkFilter[] = [
        { attribute: 'plan:gold\u0000' },
        { attribute: `plan:${'x'.repeat(160)}` },
        { userTypes: ['\u0000'] },
        { userType: 'business\u0000' },
        { externalId: '\u0000' },
        { reason: '\u0000' },
      ];
      for (const filter of filters) {
        const start = run.acme.bulk.start({ command: 'delete', filter, dryRun: true });
        await expect(start, JSON.stringify(filter)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      }
      const { bulk } = backend.store.tenant('acme');
      const { id } = await run.acme.bulk.start({ command: 'delete', filter: {}, dryRun: true });
      const kept = (await bulk.get(id)) as BulkOperation;
      await until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock, 0);
      // As one was accepted before.
      for (const filter of filters.slice(0, 2)) expect(await bulk.next({ ...kept, filter }, 100)).toEqual([]);
    });

    it('is everybody who is there, whatever the clocks of those who registered them', async () => {
      const { bulk } = run.module.scope({ tenantId: 'hurried', actor: 'user:1' });
      const register = (clock: string) =>
        crowd(backend.store, 1, { id: `${clock}${newId().slice(1)}`, stage: 'active' }, 'hurried');
      const total = async (meanwhile: string) => {
        const { id } = await bulk.start({ command: 'delete', filter: {}, dryRun: true });
        await register(meanwhile);
        await until(async () => (await bulk.get(id)).status === 'completed', run.clock, 0);
        return (await bulk.get(id)).total;
      };
      expect(await total('e')).toBe(0);
      expect(await total('f')).toBe(1);
      expect(await total('f')).toBe(2);
    });

    it('stays the same while the command changes what they were found by', async () => {
      const filter = { attribute: 'plan:gold', stage: 'registration' } as const;
      const expected = await listed(filter);
      expect(expected.length).toBeGreaterThan(3);
      const { id } = await run.acme.bulk.start({ command: 'delete', filter, dryRun: false });
      await until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock);
      expect(await run.acme.bulk.get(id)).toMatchObject({ total: expected.length, changed: expected.length });
      expect(await listed(filter)).toEqual([]);
    });
  });
