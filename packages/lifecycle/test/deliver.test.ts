import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { defineServiceTemplate } from '../src/provisioning/template.js';
import { backends } from './support/backends.js';
import { rig, until } from './support/lifecycle.js';

const template = defineServiceTemplate({ name: 'x', config: z.object({}), steps: [{ key: 'only', run: () => 1 }] });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`events on ${title}`, () => {
    it('reach a subscriber in order, all of them, again when it fails, and nothing that is not for it', async () => {
      const backend = await create();
      const run = await rig(backend, { templates: [template] });
      const received: string[] = [];
      let failures = 2;
      run.module.subscribe({
        name: 'crm',
        deliver({ name, tenantId }) {
          if (name === 'customer.verified' && failures-- > 0) throw new Error('the CRM is down');
          received.push(`${tenantId} ${name}`);
        },
      });
      const id = await run.active();
      await run.acme.services.request(id, { serviceName: 'x' });
      await until(() => received.includes('acme service.provisioned'), run.clock);
      expect(received).toEqual([
        'acme customer.registered',
        'acme customer.verified',
        'acme customer.onboarding_started',
        'acme customer.activated',
        'acme service.requested',
        'acme service.provisioned',
      ]);
      expect(failures).toBe(-1);
      await run.stop();
      await backend.close();
    });

    it('wake the run of a service that was requested in a transaction of the host', async () => {
      const backend = await create();
      const { database, store } = backend;
      const run = await rig(backend, { templates: [template], sweepMs: 3_600_000 });
      const id = await run.active();
      const ask = (trx: Parameters<Parameters<typeof store.transaction>[0]>[0]) =>
        run.acme.services.request(id, { serviceName: 'x' }, { trx });
      const { requestId } = await (database ? database.kysely.transaction().execute(ask) : store.transaction(ask));
      await until(async () => (await run.acme.provisioning.get(requestId)).status === 'active', run.clock);
      await run.stop();
      await backend.close();
    });
  });
