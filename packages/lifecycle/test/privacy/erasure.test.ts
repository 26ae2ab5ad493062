import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fold, foldedRow } from '../../src/customers/fold.js';
import { createLifecycle } from '../../src/lifecycle.js';
import { defineJourney } from '../../src/journeys/journey.js';
import type { ExportLine } from '../../src/privacy/export-line.js';
import type { LifecycleScope } from '../../src/scope.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';
import { everything, lived, person, traces } from '../support/lived.js';
import { tracesOf } from '../support/traces.js';

async function exported(run: Rig, id: string): Promise<ExportLine[]> {
  const lines: ExportLine[] = [];
  for await (const line of await run.acme.privacy.export(id)) lines.push(line);
  return lines;
}

for (const { title, present, create } of backends)
  for (const isSealed of [true, false])
    describe.skipIf(!present)(`an erasure on ${title}, with a history that is ${isSealed ? '' : 'not '}sealed`, () => {
      let backend: Backend;
      let run: Rig;
      beforeEach(async () => {
        backend = await create();
        run = await rig(backend, everything);
        if (isSealed) return;
        await run.stop();
        run = await rig(backend, { ...everything, secret: undefined as never });
      });
      afterEach(async () => {
        await run.stop();
        await backend.close();
      });

      it('leaves no trace of the person in any row, and the history as it was', async () => {
        const { store, database } = backend;
        const id = await lived(run, backend);
        const { history } = store.tenant('acme');
        const before = await history.list(id, { limit: 1_000 });
        expect(await store.tenant('acme').customers.countByStage()).toEqual({ inactive: 1 });
        if (database) {
          const found = await tracesOf(database, traces);
          // Nobody sees a search succeed that could not have failed.
          for (const text of traces.filter((it) => it !== person.username))
            expect(
              found.some((it) => it.includes(`: ${text} (plain)`)),
              text,
            ).toBe(true);
          expect(found.some((it) => it.includes(`: ${person.email} (sha256)`))).toBe(true);
          const inHistory = found.filter((it) => it.startsWith('dotmac_customer_events'));
          // What a customer did by its own name is in the history as who acted: its address, and the name in that.
          if (isSealed) expect(inHistory.every((it) => /: zebulon(@quuxmail.example)? /i.test(it))).toBe(true);
          else expect(inHistory.length).toBeGreaterThan(5);
        }
        const held = await exported(run, id);
        expect(held).toContainEqual(
          expect.objectContaining({
            kind: 'signal',
            step: 'boss',
            said: 'approve',
            comment: expect.stringContaining(person.email) as string,
          }),
        );
        expect(held).toContainEqual(expect.objectContaining({ kind: 'dunning', policy: 'standard' }));

        await run.acme.privacy.erase(id, { reference: 'DSR-17' });

        if (database) expect(await tracesOf(database, traces)).toEqual([]);
        const after = await history.list(id, { limit: 1_000 });
        const outline = (entries: typeof after) =>
          entries.map(({ seq, event: { id, name, at } }) => ({ seq, id, name, at }));
        expect(outline(after.slice(0, -1))).toEqual(outline(before));
        expect(after.at(-1)?.event).toMatchObject({
          name: 'customer.erased',
          data: { from: 'inactive', to: 'deleted', reference: 'DSR-17' },
        });
        const row = await run.acme.customers.read(id);
        expect(fold(after.map(({ event }) => event))).toEqual(foldedRow(row));
        expect(row).toMatchObject({ firstName: '', phone: null, attributes: {}, erasedAt: run.clock.now() });
        const summary = await run.acme.customers.summary(id);
        expect(summary.stageHistory.map((it) => it.stage)).toEqual([
          'registration',
          'verification',
          'onboarding',
          'active',
          'churning',
          'inactive',
          'deleted',
        ]);
        expect(JSON.stringify(await exported(run, id))).not.toMatch(/Quux|5550199|Kettle|PASSPORT/i);
        expect(await store.tenant('acme').customers.countByStage()).toEqual({ deleted: 1 });
      });

      it('takes nothing in any more that could be personal, by whatever way', async () => {
        const farewell = defineJourney({
          name: 'farewell',
          startsOn: ['customer.erased'],
          steps: [{ key: 'leave', afterDays: 0, command: 'deactivate', input: { reason: person.firstName } }],
        });
        await run.stop();
        run = await rig(backend, {
          ...everything,
          journeys: [farewell],
          ...(isSealed ? {} : { secret: undefined as never }),
        });
        const id = await lived(run, backend);
        const { id: serviceId } = (await run.acme.services.list({ customerId: id })).items[0] ?? { id: '' };
        await run.acme.privacy.erase(id);
        const { acme } = run;
        const name = 'Zebulon';
        const attempts = {
          overdue: () => acme.dunning.overdue(id, { invoiceId: name, facts: { name } }),
          paid: () => acme.dunning.paid(id),
          link: () => acme.customers.link(id, { externalId: name }),
          timer: () =>
            acme.timers.set(id, { name, command: 'delete', input: { reason: name }, dueAt: run.clock.now() }),
          hold: () => acme.privacy.setHold(id, { name }),
          service: () => acme.services.resume(serviceId, { actionType: 'abuse' }),
        };
        for (const [what, attempt] of Object.entries(attempts))
          await expect(attempt(), what).rejects.toMatchObject({ code: 'CUSTOMER_ERASED' });
        const { history, privacy } = backend.store.tenant('acme');
        const last = async () => (await history.list(id, { limit: 1_000 })).at(-1)?.event;
        await until(async () => (await last())?.name === 'journey.step_skipped', run.clock, 1_000);
        expect(await last()).toMatchObject({ data: { journey: 'farewell', step: 'leave', reason: '' } });
        expect(await privacy.key(id)).toBeUndefined();
        if (backend.database) expect(await tracesOf(backend.database, [...traces, name])).toEqual([]);
      });

      it('takes away attributes that were searchable once, and names that nobody else could take before', async () => {
        await run.stop();
        run = await rig(backend, { ...everything, searchableAttributes: ['tax_number'] });
        const attributes = { tax_number: 'QX-4711' };
        const { id } = await run.acme.customers.register({ ...person, attributes });
        await run.stop();
        run = await rig(backend, everything);
        const termsOf = async () => (await backend.store.tenant('acme').customers.termsOf([id])).get(id) ?? [];
        expect(await termsOf()).toContainEqual({ kind: 'attribute', term: 'tax_number:qx-4711' });
        await run.acme.customers.register({ ...someone(), username: `erased:${id}` });
        const squatter = { ...someone(), username: `erased ${id}` };
        await expect(run.acme.customers.register(squatter)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
        await run.acme.customers.delete(id);
        await run.acme.privacy.erase(id);
        expect((await termsOf()).filter(({ kind }) => kind === 'attribute')).toEqual([]);
        if (backend.database) expect(await tracesOf(backend.database, ['qx-4711'])).toEqual([]);
      });

      it('takes away who acted, also by an address that was changed since', async () => {
        const addresses = ['first@quuxmail.example', 'Second@quuxmail.example', 'third@quuxmail.example'];
        const [first = '', ...later] = addresses;
        const { id } = await run.acme.customers.register({ ...person, username: 'neo', email: first });
        let own = run.module.scope({ tenantId: 'acme', actor: `user:${first}` });
        for (const email of later) {
          await own.customers.update(id, { email });
          own = run.module.scope({ tenantId: 'acme', actor: email.toUpperCase() });
          await own.customers.link(id, { externalId: email });
        }
        await own.customers.delete(id);
        const { history } = backend.store.tenant('acme');
        const actors = async () => (await history.list(id, { limit: 99 })).map(({ event }) => event.actor);
        expect(new Set((await actors()).map((it) => it.toLowerCase()))).toEqual(
          new Set(['user:1', `user:${first}`, ...later.map((it) => it.toLowerCase())]),
        );
        if (backend.database) expect(await tracesOf(backend.database, addresses)).not.toEqual([]);
        await run.acme.privacy.erase(id);
        expect(new Set(await actors())).toEqual(new Set(['user:1', 'erased']));
        const entries = (await history.list(id, { limit: 99 })).map(({ event }) => event);
        for (const { name, data } of entries)
          if (name === 'customer.updated') expect(data).toMatchObject({ changes: {}, formerEmail: null, former: {} });
        if (backend.database) expect(await tracesOf(backend.database, addresses)).toEqual([]);
      });

      it('takes away who asked for a token by its address, waiting or given up, and by no other’s', async () => {
        await run.stop();
        const { store, clock } = backend;
        // None is started: what is asked for waits.
        const under = (...secret: string[]) => createLifecycle({ store, clock, ...(isSealed && { secret }) });
        const before = under('o'.repeat(32));
        const after = isSealed ? under('y'.repeat(32), 'o'.repeat(32)) : before;
        const [old, young] = [before, after].map((module) => module.scope({ tenantId: 'acme' })) as [
          LifecycleScope,
          LifecycleScope,
        ];
        const { id } = await old.customers.register(person);
        const claim = () => store.outbox.claim({ subscribers: ['resend-verification'], limit: 9, leaseMs: 1_000 });
        await old.verification.resendTo({ email: person.email });
        for (const asked of await claim()) await store.outbox.park(asked.claim, 'on purpose');
        expect((await store.outbox.parked('acme', { limit: 9 })).items).toHaveLength(1);
        await old.customers.update(id, { email: 'moved@quuxmail.example' });
        await old.verification.resendTo({ email: person.email.toUpperCase() });
        await young.verification.resendTo({ email: 'Moved@quuxmail.example' });
        await young.verification.resendTo({ email: 'somebody@else.example' });
        await after.scope({ tenantId: 'other' }).verification.resendTo({ email: person.email });
        await young.customers.delete(id);
        await young.privacy.erase(id);
        expect((await store.outbox.parked('acme', { limit: 9 })).items).toEqual([]);
        expect((await claim()).map(({ event }) => event.tenantId).sort()).toEqual(['acme', 'other']);
        run = await rig(backend, everything);
      });

      it('leaves to another who has a former address now what it asked for by that', async () => {
        await run.stop();
        const { store, clock } = backend;
        // None is started: what is asked for waits.
        const { customers, privacy, verification } = createLifecycle({ store, clock }).scope({ tenantId: 'acme' });
        const { id } = await customers.register(person);
        await customers.update(id, { email: 'moved@quuxmail.example' });
        await customers.register({ ...someone(), email: person.email });
        await verification.resendTo({ email: person.email.toUpperCase() });
        await verification.resendTo({ email: 'moved@quuxmail.example' });
        await customers.delete(id);
        await privacy.erase(id);
        const waiting = await store.outbox.claim({ subscribers: ['resend-verification'], limit: 9, leaseMs: 1_000 });
        expect(waiting).toHaveLength(1);
        run = await rig(backend, everything);
      });

      it('gives the names free, and is not taken back', async () => {
        const { acme } = run;
        const { id } = await acme.customers.register(person);
        await acme.customers.delete(id);
        await acme.privacy.erase(id);
        await expect(acme.privacy.erase(id)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
        await expect(acme.customers.restore(id)).rejects.toMatchObject({ details: { reason: 'it was erased' } });
        await expect(acme.privacy.setHold(id, { name: 'late' })).rejects.toMatchObject({ code: 'CUSTOMER_ERASED' });
        const again = await acme.customers.register(person);
        expect(again.id).not.toBe(id);
        await acme.customers.delete(again.id);
        await acme.privacy.erase(again.id);
      });
    });
