import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CustomerListDraft } from '../../src/search/query.js';
import { backends, type Backend } from '../support/backends.js';
import { getOverHttp } from '../support/over-http.js';
import { rig, someone, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`finding customers on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { searchableAttributes: ['plan'] });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const found = async (draft: CustomerListDraft): Promise<string[]> =>
      (await run.acme.customers.list(draft)).items.map(({ id }) => id);

    it('follows what happens to them', async () => {
      const { acme } = run;
      const id = await run.active();
      await acme.customers.register({ ...someone(), attributes: { plan: 'Gold' } });
      expect(await found({ stage: 'active' })).toEqual([id]);
      await acme.suspension.suspend(id, { actionType: 'non_payment' });
      await acme.suspension.throttle(id, { actionType: 'abuse' });
      expect(await found({ reason: 'non_payment' })).toEqual([id]);
      expect(await found({ reason: 'abuse', stage: 'suspended' })).toEqual([id]);
      await acme.suspension.reactivate(id, { actionType: 'non_payment' });
      expect(await found({ reason: 'non_payment' })).toEqual([]);
      expect((await acme.customers.list({ reason: 'abuse' })).items).toMatchObject([{ id, openReasons: ['abuse'] }]);
      expect(await found({ attribute: 'plan:gold' })).toHaveLength(1);
      await expect(found({ attribute: 'color:red' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    });

    it('shows every one once, a page at a time, in any order', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 7; n++) {
        ids.push((await run.acme.customers.register({ ...someone(), lastName: `Page${n % 3}` })).id);
        run.clock.set(run.clock.now() + (n % 2) * 1_000);
      }
      await run.other.customers.register(someone());
      const drafts: CustomerListDraft[] = [{}, { order: 'asc' }, { sort: 'updated' }, { search: 'page' }];
      for (const draft of drafts) {
        const seen: string[] = [];
        for (let cursor: string | null | undefined; cursor !== null;) {
          const page = await run.acme.customers.list({ ...draft, limit: 2, ...(cursor && { cursor }) });
          seen.push(...page.items.map(({ id }) => id));
          cursor = page.nextCursor;
        }
        expect(seen.toSorted()).toEqual(ids.toSorted());
      }
    });

    it('goes on after the longest names of any script', async () => {
      const [firstName, lastName] = ['\u9577'.repeat(100), '\u540d'.repeat(100)];
      for (let n = 0; n < 2; n++) await run.acme.customers.register({ ...someone(), firstName, lastName });
      const ask: CustomerListDraft = { search: '\u9577', limit: 1 };
      const first = await run.acme.customers.list(ask);
      const next = await run.acme.customers.list({ ...ask, cursor: first.nextCursor ?? '' });
      expect(new Set([...first.items, ...next.items].map(({ id }) => id)).size).toBe(2);
      expect(next.nextCursor).toBeNull();
    });

    it('refuses cursors of other lists, and orders that do not belong to what is asked', async () => {
      await run.acme.customers.register(someone());
      await run.acme.customers.register(someone());
      const { nextCursor } = await run.acme.customers.list({ limit: 1 });
      const wrong: CustomerListDraft[] = [
        { cursor: 'nonsense' },
        { cursor: nextCursor ?? '', order: 'asc' },
        { cursor: nextCursor ?? '', search: 'user' },
        { search: 'user', sort: 'created' },
        { updatedFrom: 0, sort: 'created' },
        { createdFrom: Number.NaN },
      ];
      for (const draft of wrong) await expect(found(draft)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      expect(await found({ updatedFrom: run.clock.now() })).toHaveLength(2);
      expect(await found({ createdTo: run.clock.now() })).toEqual([]);
    });

    it('goes on changing customers whom others changed that know nothing of the attribute', async () => {
      const { customers, consistency } = run.acme;
      const { id } = await customers.register({ ...someone(), attributes: { plan: 'gold' } });
      const others = await rig(backend);
      await others.acme.customers.update(id, { attributes: { plan: 'silver' } });
      await others.stop();
      expect(await found({ attribute: 'plan:gold' })).toEqual([id]);
      await customers.update(id, { attributes: { plan: 'gold' } });
      expect(await found({ attribute: 'plan:gold' })).toEqual([id]);
      const lines = [];
      for await (const line of consistency.check()) lines.push(line);
      expect(lines.at(-1)).toMatchObject({ differing: 0 });
      await customers.update(id, { attributes: { plan: 'silver' } });
      expect(await found({ attribute: 'plan:gold' })).toEqual([]);
    });

    it('finds nobody by the beginning of an attribute', async () => {
      const long = 'x'.repeat(144);
      const withPlan = async (plan: string) =>
        (await run.acme.customers.register({ ...someone(), attributes: { plan } })).id;
      await withPlan(`${long}yA`);
      const whole = await withPlan(`${long}y`);
      expect(await found({ attribute: `plan:${long}Y` })).toEqual([whole]);
      await expect(found({ attribute: `plan:${long}yB` })).rejects.toMatchObject({ issues: [{ path: 'attribute' }] });
    });

    it('refuses what no database can look for, by whatever it is asked', async () => {
      const cursor = Buffer.from(JSON.stringify(['created desc', 0, '\u0000'])).toString('base64url');
      const halved = Buffer.from(JSON.stringify(['created desc', 0.5, 'x'])).toString('base64url');
      const { id } = await run.acme.customers.register(someone());
      const nothing = '\u0000';
      const asked: [string, Record<string, string>][] = [
        ['customers', { external_id: nothing }],
        ['customers', { user_type: nothing }],
        ['customers', { reason: nothing }],
        ['customers', { attribute: `plan:x${nothing}` }],
        ['customers', { cursor: nothing }],
        ['customers', { cursor: halved }],
        ['services', { cursor: nothing }],
        ['provisioning', { cursor: nothing }],
        ['bulk-operations', { cursor: nothing }],
        ['parked-deliveries', { cursor: nothing }],
      ];
      for (const [path, query] of asked)
        expect(await getOverHttp(run.module, path, query), `${path} ${JSON.stringify(query)}`).toMatchObject({
          status: 422,
        });
      expect(await getOverHttp(run.module, 'customers', {})).toMatchObject({ status: 200 });
      expect(await found({ cursor })).not.toContain(id);
    });

    it('links them to users of the host, one to each', async () => {
      const { customers } = run.acme;
      const one = await customers.register({ ...someone(), externalId: 'user-1' });
      const two = await customers.register(someone());
      expect(one.externalId).toBe('user-1');
      const taken = { code: 'CUSTOMER_EXISTS' };
      await expect(customers.register({ ...someone(), externalId: 'user-1' })).rejects.toMatchObject(taken);
      await expect(customers.link(two.id, { externalId: 'user-1' })).rejects.toMatchObject(taken);
      await customers.link(one.id, { externalId: null });
      await customers.link(two.id, { externalId: 'user-1' });
      await customers.link(two.id, { externalId: 'user-1' });
      expect((await customers.findByExternalId('user-1'))?.id).toBe(two.id);
      expect(await found({ externalId: 'user-1' })).toEqual([two.id]);
      expect(await run.other.customers.findByExternalId('user-1')).toBeUndefined();
      const history = await run.acme.feed.history(two.id);
      expect(history.items.map(({ eventType, details }) => [eventType, details['external_id']])).toEqual([
        ['customer.linked', 'user-1'],
        ['customer.registered', undefined],
      ]);
    });

    it('lets one of fifty racers have an external id, by link or by registration', async () => {
      const { customers } = run.acme;
      const taken = { code: 'CUSTOMER_EXISTS' };
      const people = await Promise.all(Array.from({ length: 50 }, () => customers.register(someone())));
      const link = async ({ id }: { id: string }) => (await customers.link(id, { externalId: 'user-2' })).id;
      const outcomes = await Promise.allSettled(people.map(link));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(taken);
      const winner = outcomes.find((outcome) => outcome.status === 'fulfilled');
      expect((await customers.findByExternalId('user-2'))?.id).toBe(winner?.value);
      const linked = await Promise.all(people.map(({ id }) => run.acme.feed.history(id)));
      expect(linked.flatMap(({ items }) => items).filter((it) => it.eventType === 'customer.linked')).toHaveLength(1);
      const registrations = people.map(() => customers.register({ ...someone(), externalId: 'user-3' }));
      const registered = await Promise.allSettled(registrations);
      expect(registered.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of registered) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(taken);
    });
  });
