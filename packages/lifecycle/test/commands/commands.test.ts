import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const template = defineServiceTemplate({
  name: 'internet',
  config: z.object({}),
  steps: [{ key: 'port', run: () => undefined }],
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`what commands would do on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    let asked: number;
    beforeEach(async () => {
      [backend, asked] = [await create(), 0];
      const count = () => void (asked += 1);
      run = await rig(backend, {
        templates: [template],
        hooks: { 'customer.suspend': { before: count, inTransaction: count, afterCommit: count } },
      });
      id = await run.active();
      const service = await run.acme.services.request(id, { serviceName: 'internet' });
      await until(async () => (await run.acme.services.get(service.id)).status === 'active', run.clock);
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it('is told of every command, with what stands in its way', async () => {
      const { commands } = run.acme;
      const explained = await commands.explain(id);
      const allowed = explained
        .filter((it) => it.allowed)
        .map(({ command, leadsTo }) => `${command} → ${leadsTo ?? ''}`);
      expect(allowed).toEqual([
        'requestService → active',
        'suspend → suspended',
        'throttle → active',
        'markChurning → churning',
        'deactivate → inactive',
        'delete → deleted',
      ]);
      expect(explained.find(({ command }) => command === 'restore')).toEqual({
        command: 'restore',
        allowed: false,
        reason: expect.stringContaining('in stage active cannot take the command restore'),
        leadsTo: null,
        hooks: [],
      });
      expect(explained.find(({ command }) => command === 'suspend')?.hooks).toEqual([
        'before',
        'inTransaction',
        'afterCommit',
      ]);
      expect(await commands.can(id, 'suspend', { reason: 'late' })).toBe(true);
      expect(await commands.can(id, 'winBack')).toBe(false);
      await expect(run.other.commands.explain(id)).rejects.toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
    });

    it('is found by doing it and undoing it: nothing is left of it', async () => {
      const before = await run.acme.customers.read(id);
      const services = await run.acme.services.list();
      expect(await run.acme.commands.dryRun(id, { command: 'suspend', input: { actionType: 'late' } })).toEqual({
        allowed: true,
        reason: null,
        from: 'active',
        to: 'suspended',
        events: ['customer.suspended', 'service.operation_started'],
        operations: [{ serviceId: services.items[0]?.id, serviceName: 'internet', operation: 'suspend' }],
        timers: [],
        hooks: ['before', 'inTransaction', 'afterCommit'],
      });
      expect(await run.acme.commands.dryRun(id, { command: 'winBack' })).toMatchObject({
        allowed: false,
        reason: expect.stringContaining('winBack'),
        from: 'active',
        to: 'active',
        events: [],
      });
      await expect(
        run.acme.commands.dryRun(id, { command: 'suspend', input: { actionType: 'no spaces' } }),
      ).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      await run.clock.advance(60_000);
      expect(await run.acme.customers.read(id)).toEqual(before);
      expect(await run.acme.services.list()).toEqual(services);
      expect(asked).toBe(0);
    });

    it('is what they do', async () => {
      const input = { actionType: 'late', severity: 'throttle' } as const;
      const { events, to } = await run.acme.commands.dryRun(id, { command: 'throttle', input });
      const before = (await run.acme.customers.summary(id)).lifecycleEvents.length;
      const view = await run.acme.suspension.suspend(id, input);
      const { lifecycleEvents } = await run.acme.customers.summary(id);
      expect(lifecycleEvents.slice(before, before + events.length).map(({ eventType }) => eventType)).toEqual(events);
      expect(view.lifecycleStage).toBe(to);
    });
  });
