import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import type { ExportLine } from '../../src/privacy/export-line.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what customers may ask for, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let isBroken: boolean;
    beforeEach(async () => {
      isBroken = true;
      backend = await create();
      const template = defineServiceTemplate({
        name: 'internet',
        config: z.object({ vlan: z.int() }),
        steps: [{ key: 'port', run: () => ({ port: 7 }) }],
        operations: {
          deprovision: [
            {
              key: 'gone',
              retry: { attempts: 1 },
              run: () => {
                if (isBroken) throw new Error('the router is out of reach');
              },
            },
          ],
        },
      });
      run = await rig(backend, { templates: [template] });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it('keeps what is held, and takes it away once every hold is lifted', async () => {
      const { acme, other } = run;
      const { id } = await acme.customers.register(someone());
      await acme.customers.delete(id);
      await acme.privacy.setHold(id, { name: 'case-1', note: 'a lawsuit' });
      await acme.privacy.setHold(id, { name: 'tax' });
      const again = await acme.privacy.setHold(id, { name: 'case-1', note: 'another word' });
      expect(again).toMatchObject({ note: 'a lawsuit', setBy: 'user:1' });
      expect((await acme.privacy.holds(id)).map(({ name }) => name)).toEqual(['case-1', 'tax']);
      await expect(other.privacy.holds(id)).rejects.toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
      await expect(acme.privacy.erase(id)).rejects.toMatchObject({
        code: 'LEGAL_HOLD',
        details: { holds: ['case-1', 'tax'] },
      });
      await acme.privacy.liftHold(id, 'case-1');
      const dry = await acme.commands.dryRun(id, { command: 'erase' });
      expect(dry).toMatchObject({ allowed: false, reason: expect.stringContaining('tax') as string });
      await acme.privacy.liftHold(id, 'tax');
      await acme.privacy.liftHold(id, 'tax');
      expect(await acme.commands.dryRun(id, { command: 'erase' })).toMatchObject({
        allowed: true,
        events: ['customer.erased'],
      });
      expect((await acme.customers.read(id)).firstName).toBe('A');
      await acme.privacy.erase(id);
      const names = (await backend.store.tenant('acme').history.list(id, { limit: 99 })).map(({ event }) => event.name);
      expect(names.slice(-5)).toEqual([
        ...['customer.hold_set', 'customer.hold_set', 'customer.hold_lifted', 'customer.hold_lifted'],
        'customer.erased',
      ]);
    });

    it('does not erase before every service is gone, and says which are not', async () => {
      const { acme, clock } = run;
      const id = await run.active();
      const { id: serviceId } = await acme.services.request(id, { serviceName: 'internet', customConfig: { vlan: 7 } });
      const is = (status: string) => until(async () => (await acme.services.get(serviceId)).status === status, clock);
      await is('active');
      await expect(acme.privacy.erase(id)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      await acme.customers.delete(id);
      await is('stuck');
      await expect(acme.privacy.erase(id)).rejects.toMatchObject({
        code: 'SERVICES_REMAIN',
        details: { services: [{ serviceId, serviceName: 'internet', status: 'stuck' }] },
      });
      isBroken = false;
      const [open] = (await acme.provisioning.list({ status: 'stuck' })).items;
      await acme.provisioning.retry(open?.id ?? '', {});
      await is('terminated');
      await acme.privacy.erase(id);
      expect(await backend.store.tenant('acme').services.get(serviceId)).toMatchObject({ config: {}, outputs: {} });
    });

    it('exports everything that is held, opened, with an end', async () => {
      const { acme, clock, other } = run;
      const id = await run.active();
      const { id: serviceId } = await acme.services.request(id, { serviceName: 'internet', customConfig: { vlan: 7 } });
      await until(async () => (await acme.services.get(serviceId)).status === 'active', clock);
      await acme.suspension.suspend(id, { actionType: 'abuse', reason: 'as neighbours say', parameters: { Times: 3 } });
      await acme.timers.set(id, { name: 'later', command: 'delete', dueAt: clock.now() + 1e9 });
      await acme.privacy.setHold(id, { name: 'case' });
      const lines: ExportLine[] = [];
      for await (const line of await acme.privacy.export(id)) lines.push(line);
      const kinds = [...new Set(lines.map(({ kind }) => kind))];
      expect(kinds).toEqual(['customer', 'event', 'service', 'run', 'timer', 'token', 'hold', 'end']);
      expect(lines.at(-1)).toEqual({ kind: 'end', lines: lines.length - 1 });
      const events = lines.filter((line) => line.kind === 'event');
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      const suspended = events.find(({ eventType }) => eventType === 'customer.suspended');
      expect(suspended?.details).toMatchObject({ note: 'as neighbours say', parameters: { Times: 3 } });
      expect(lines.find((line) => line.kind === 'service')).toMatchObject({ outputs: { port: { port: 7 } } });
      await expect(other.privacy.export(id)).rejects.toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
    });

    it('cannot be read from a copy of the history once the key is gone', async () => {
      const { database, store } = backend;
      const { acme } = run;
      const { id } = await acme.customers.register(someone());
      await acme.customers.delete(id, { reason: 'moved to Kettle Lane' });
      const read = async () => JSON.stringify((await acme.customers.summary(id)).lifecycleEvents);
      expect(await read()).toContain('Kettle Lane');
      expect(JSON.stringify(await store.tenant('acme').history.list(id, { limit: 9 }))).not.toContain('Kettle');
      if (!database) return;
      // As a backup that was taken without the table of keys.
      await sql`delete from dotmac_customer_keys`.execute(database.kysely);
      expect(await read()).not.toContain('Kettle');
    });
  });
