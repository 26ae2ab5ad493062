import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineDunningPolicy } from '../src/dunning/policy.js';
import { defineServiceTemplate } from '../src/provisioning/template.js';
import { backends, type Backend } from './support/backends.js';
import { rig, until, type Rig } from './support/lifecycle.js';

const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({}),
  steps: [{ key: 'port', run: () => ({}) }],
  operations: { deprovision: [{ key: 'gone', run: () => ({}) }] },
});
const policy = defineDunningPolicy({ name: 'standard', steps: [{ afterDays: 30, action: 'terminate' }] });
const collecting = { command: 'suspend', input: { actionType: 'move' }, filter: { listed: true } } as const;

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`of fifty who race for the last place, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { webhooks: {}, templates: [template], dunning: [policy] });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    /** What became of fifty: how many came through, and what the others were told. */
    const race = async (attempt: (racer: number) => Promise<unknown>): Promise<Record<string, number>> => {
      const outcomes: Record<string, number> = {};
      for (const outcome of await Promise.allSettled(Array.from({ length: 50 }, (_, racer) => attempt(racer)))) {
        const told = outcome.status === 'fulfilled' ? 'done' : (outcome.reason as { code: string }).code;
        outcomes[told] = (outcomes[told] ?? 0) + 1;
      }
      return outcomes;
    };

    it('one begins an operation on many', async () => {
      for (let open = 1; open < 20; open++) await run.acme.bulk.start(collecting);
      expect(await race(() => run.acme.bulk.start(collecting))).toEqual({ done: 1, BULK_LIMIT: 49 });
      expect(await run.other.bulk.start(collecting)).toMatchObject({ status: 'collecting' });
    });

    it('one begins what a dry run counted', async () => {
      const dry = await run.acme.bulk.start({ ...collecting, filter: {} });
      await until(async () => (await run.acme.bulk.get(dry.id)).status === 'completed', run.clock);
      for (let open = 1; open < 20; open++) await run.acme.bulk.start(collecting);
      // Whoever begins makes no room for others by coming to an end.
      await run.stop();
      expect(await race(() => run.acme.bulk.run(dry.id))).toEqual({ done: 1, BULK_LIMIT: 49 });
    });

    it('one makes a webhook', async () => {
      const { webhooks } = run.acme;
      const make = () => webhooks.create({ name: 'CRM', url: 'https://crm.example.com/in' });
      for (let made = 1; made < 50; made++) await make();
      expect(await race(make)).toEqual({ done: 1, WEBHOOK_LIMIT: 49 });
      expect(await webhooks.list()).toHaveLength(50);
    });

    it('one sets a timer', async () => {
      const id = await run.active();
      const dueAt = run.clock.now() + 86_400_000;
      const set = (name: string) =>
        run.acme.timers.set(id, { name, dueAt, command: 'reactivate', input: { actionType: 'move' } });
      for (let made = 1; made < 100; made++) await set(`timer-${made}`);
      expect(await race((racer) => set(`racer-${racer}`))).toEqual({ done: 1, TIMER_LIMIT: 49 });
    });

    it('one requests a service', async () => {
      const id = await run.active();
      const request = () => run.acme.services.request(id, { serviceName: 'internet' });
      for (let made = 1; made < 200; made++) await request();
      expect(await race(request)).toEqual({ done: 1, SERVICE_LIMIT: 49 });
    });

    it('one adds an invoice', async () => {
      const id = await run.active();
      const add = (invoiceId: string) => run.acme.dunning.overdue(id, { invoiceId });
      await add('first');
      const [, ...invoices] = Array.from({ length: 499 }, (_, number) => {
        return { invoiceId: `invoice-${number}`, overdueSince: run.clock.now(), facts: {} };
      });
      const { dunningCases } = backend.store.tenant('acme');
      await backend.store.transaction(async (trx) => {
        const kept = await dunningCases.get(id, 'standard', trx);
        if (kept) await dunningCases.put({ ...kept, invoices: [...kept.invoices, ...invoices] }, trx);
      });
      expect(await race((racer) => add(`racer-${racer}`))).toEqual({ done: 1, INVOICE_LIMIT: 49 });
    });
  });
