import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConsistencyLine } from '../../src/consistency/report.js';
import type { ConsistencyAsk } from '../../src/consistency/service.js';
import { createLifecycle } from '../../src/lifecycle.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const line = (version: string) =>
  defineServiceTemplate({
    name: 'internet',
    version,
    config: z.object({}),
    steps: [{ key: 'port', run: () => undefined }],
    operations: { deprovision: [{ key: 'no-port', run: () => undefined }] },
    exemptFrom: ['moving'],
  });
const [first, second] = [line('1'), line('2')];

for (const { title, present, create } of backends)
  describe.skipIf(!present)(
    `a service whose template is not registered where its customer changes, on ${title}`,
    () => {
      let backend: Backend;
      let run: Rig;
      let told: unknown[];
      let customer: string;
      let service: string;
      const start = async (...templates: (typeof first)[]): Promise<void> => {
        const logger = { error: (data: unknown) => void told.push(data), warn() {}, info() {}, debug() {} };
        run = await rig(backend, { templates, logger });
      };
      const restart = async (...templates: (typeof first)[]): Promise<void> => {
        await run.stop();
        await start(...templates);
      };
      const is = (status: string) =>
        until(async () => (await run.acme.services.get(service)).status === status, run.clock);
      const timers = async () => (await run.acme.timers.list(customer)).map(({ name, command }) => [name, command]);
      const nothingIsLeft = () => until(async () => (await timers()).length === 0, run.clock);
      const following = () => [[`follow:${service}`, 'followService']];
      const suspend = (actionType: string) => run.acme.suspension.suspend(customer, { actionType });
      const reactivate = (actionType: string) => run.acme.suspension.reactivate(customer, { actionType });

      beforeEach(async () => {
        backend = await create();
        told = [];
        await start(first);
        customer = await run.active();
        ({ id: service } = await run.acme.services.request(customer, { serviceName: 'internet' }));
        await is('active');
      });
      afterEach(async () => {
        await run.stop();
        await backend.close();
      });

      it.each([
        ['is not there', []],
        ['is another revision', [second]],
      ])('is suspended once a process has it that %s until then', async (_, others) => {
        await restart(...others);
        await suspend('abuse');
        await until(() => told.length > 0, run.clock);
        expect(told[0]).toMatchObject({ serviceId: service, serviceName: 'internet', templateVersion: '1' });
        expect(await run.acme.services.get(service)).toMatchObject({ status: 'active', openRunId: null });
        expect(await timers()).toEqual(following());
        const own = { kind: 'invalid', issues: [{ path: 'name' }] };
        await expect(run.acme.timers.clear(customer, `follow:${service}`)).rejects.toMatchObject(own);

        await restart(first, second);
        await is('suspended');
        await nothingIsLeft();
        const { items } = await run.acme.feed.history(customer);
        const begun = items.find(({ eventType }) => eventType === 'service.operation_started');
        expect(begun).toMatchObject({ actor: 'user:1', details: { operation: 'suspend' } });
        for await (const line of run.acme.consistency.check())
          expect(line).toMatchObject({ kind: 'done', differing: 0 });
      });

      it('is resumed then, when its customer pays', async () => {
        await suspend('abuse');
        await is('suspended');
        await restart();
        await reactivate('abuse');
        await restart(first);
        await is('active');
        await nothingIsLeft();
      });

      it('is resumed then too, where reasons are left that leave services of its template alone', async () => {
        await suspend('abuse');
        await suspend('moving');
        await is('suspended');
        await restart();
        await reactivate('abuse');
        await restart(first);
        await is('active');
        await nothingIsLeft();
      });

      it('is taken down then, when its customer leaves, who can be erased', async () => {
        await restart();
        await run.acme.customers.deactivate(customer, { reason: 'moved' });
        await run.acme.customers.delete(customer, { reason: 'moved' });
        await restart(first);
        await is('terminated');
        await run.acme.privacy.erase(customer);
        await nothingIsLeft();
      });

      it('is taken down then, when it was to be', async () => {
        await restart();
        await run.acme.services.terminate(service);
        expect(await timers()).toEqual(following());
        await restart(first);
        await is('terminated');
        await nothingIsLeft();
      });

      it('is left as it is when its customer is as before by then', async () => {
        await restart();
        await suspend('abuse');
        await reactivate('abuse');
        const before = (await run.acme.feed.history(customer)).items.length;
        await restart(first);
        await nothingIsLeft();
        expect(await run.acme.services.get(service)).toMatchObject({ status: 'active', openRunId: null });
        expect((await run.acme.feed.history(customer)).items).toHaveLength(before);
      });

      it('is suspended by another process that has it, however often one that has not looks first', async () => {
        await restart();
        await suspend('abuse');
        await until(() => told.length > 2, run.clock);
        const other = await rig(backend, { templates: [first] });
        await is('suspended');
        await nothingIsLeft();
        await other.stop();
      });

      it('is found by the check of consistency where no timer was set for it, and followed when that is asked to', async () => {
        const check = async (ask: ConsistencyAsk = {}) => {
          const lines: ConsistencyLine[] = [];
          for await (const line of run.acme.consistency.check(ask)) lines.push(line);
          return lines;
        };
        const consistent = [{ kind: 'done', differing: 0 }];
        await restart();
        await suspend('abuse');
        // As a version left it that knew no such timers.
        await backend.store.transaction((trx) =>
          backend.store.tenant('acme').timers.clear(customer, `follow:${service}`, trx),
        );
        expect(await check({ repairServices: true })).toMatchObject(consistent);
        expect(await timers()).toEqual([]);

        await restart(first, second);
        const left = { field: `access ${service}`, row: '"full"', history: '"suspended"' };
        const found = [
          { customerId: customer, differences: [left] },
          { kind: 'done', differing: 1 },
        ];
        expect(await check()).toMatchObject(found);
        expect(await timers()).toEqual([]);
        expect(await check({ repairServices: true })).toMatchObject(found);
        await is('suspended');
        await nothingIsLeft();
        expect(await check({ repairServices: true })).toMatchObject(consistent);

        await suspend('moving');
        await reactivate('abuse');
        await is('active');
        expect(await check()).toMatchObject(consistent);
      });

      it('is said to be another than it should be, and not than what is done to it first would leave it', async () => {
        await suspend('abuse');
        await is('suspended');
        await restart();
        await run.acme.suspension.suspend(customer, { actionType: 'slow', severity: 'throttle' });
        await reactivate('abuse');
        await backend.store.transaction((trx) =>
          backend.store.tenant('acme').timers.clear(customer, `follow:${service}`, trx),
        );
        const quiet = createLifecycle({ store: backend.store, clock: backend.clock, templates: [first] });
        const lines: ConsistencyLine[] = [];
        for await (const line of quiet.scope({ tenantId: 'acme' }).consistency.check()) lines.push(line);
        const left = { field: `access ${service}`, row: '"suspended"', history: '"throttled"' };
        expect(lines[0]).toMatchObject({ customerId: customer, differences: [left] });
      });

      it('is not found by it while a timer is about to', async () => {
        await restart();
        await suspend('abuse');
        const quiet = createLifecycle({ store: backend.store, clock: backend.clock, templates: [first] });
        for await (const line of quiet.scope({ tenantId: 'acme' }).consistency.check())
          expect(line).toMatchObject({ kind: 'done', differing: 0 });
      });

      it('shows in a dry run that it follows later', async () => {
        await restart();
        const preview = await run.acme.commands.dryRun(customer, {
          command: 'suspend',
          input: { actionType: 'abuse' },
        });
        expect(preview).toMatchObject({ timers: [`follow:${service}`] });
        expect(await timers()).toEqual([]);
      });
    },
  );
