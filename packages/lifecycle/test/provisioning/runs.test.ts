import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineErrors, type Logger } from '@dotmac/core';
import type { ActionStep } from '../../src/provisioning/definition.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const vendorErrors = defineErrors({
  NO_PORT: { kind: 'conflict', message: (_: Record<never, never>) => 'There is no free port.' },
});

type Script = (phase: 'run' | 'undo', key: string, call: number) => unknown;

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`provisioning on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let calls: string[];
    let keys: string[];
    let script: Script;
    let lines: unknown[];
    const logged = (): string => JSON.stringify(lines);

    beforeEach(async () => {
      backend = await create();
      [calls, keys, lines, script] = [[], [], [], () => undefined];
      const write = (...line: unknown[]): void => void lines.push(line);
      const logger: Logger = { debug: write, info: write, warn: write, error: write };
      const step = (key: string, more: Partial<ActionStep> = {}): ActionStep => {
        const call = (phase: 'run' | 'undo', what: string, idempotencyKey: string) => {
          calls.push(what);
          keys.push(idempotencyKey);
          return script(phase, key, calls.filter((it) => it === what).length);
        };
        return {
          key,
          run: ({ idempotencyKey }) => call('run', key, idempotencyKey),
          compensate: ({ outcome, idempotencyKey }) => call('undo', `undo ${key} (${outcome})`, idempotencyKey),
          retry: { attempts: 2, firstBackoffMs: 1_000 },
          compensationRetry: { attempts: 2, firstBackoffMs: 1_000 },
          ...more,
        };
      };
      const template = defineServiceTemplate({
        name: 'internet',
        config: z.object({ speed: z.int().max(1_000).default(100) }),
        steps: [step('port'), step('account', { timeoutMs: 5_000 }), step('mail')],
      });
      run = await rig(backend, { templates: [template], logger });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    /** Requests the service, and waits until it is over. */
    const provision = async () => {
      const customerId = await run.active();
      const { id } = await run.acme.services.request(customerId, { serviceName: 'internet' });
      await until(
        async () => !['pending', 'provisioning'].includes((await run.acme.provisioning.get(id)).status),
        run.clock,
      );
      const events = (await run.acme.customers.summary(customerId)).lifecycleEvents.slice(4);
      return {
        id,
        customerId,
        service: await run.acme.provisioning.get(id),
        events: events.map(({ eventType }) => eventType),
      };
    };

    it('goes step by step to active', async () => {
      const { id, customerId, service, events } = await provision();
      expect(service).toMatchObject({ id, requestId: id, customerId, serviceName: 'internet', status: 'active' });
      expect(service.provisionedAt).toEqual(expect.any(Number));
      expect(service.steps.map(({ name, status, attempts }) => [name, status, attempts])).toEqual([
        ['port', 'completed', 1],
        ['account', 'completed', 1],
        ['mail', 'completed', 1],
      ]);
      expect(calls).toEqual(['port', 'account', 'mail']);
      expect(keys).toEqual([`${id}:port`, `${id}:account`, `${id}:mail`]);
      expect(events).toEqual(['service.requested', 'service.provisioned']);
      expect((await run.acme.customers.summary(customerId)).services).toMatchObject([{ id, status: 'active' }]);
      expect(await run.acme.status()).toMatchObject({ servicesByStatus: { active: 1, failed: 0 }, totalCustomers: 1 });
      expect(await run.other.status()).toMatchObject({ servicesByStatus: { active: 0 }, totalCustomers: 0 });
      await expect(run.other.provisioning.get(id)).rejects.toMatchObject({ code: 'PROVISIONING_NOT_FOUND' });
      await expect(run.other.services.request(customerId, { serviceName: 'internet' })).rejects.toMatchObject({
        code: 'CUSTOMER_NOT_FOUND',
      });
    });

    it('tries again under the same key when a step fails in passing', async () => {
      script = (_, key, call) => {
        if (key === 'account' && call === 1) throw new Error('password=hunter2');
      };
      const { id, service } = await provision();
      expect(service.status).toBe('active');
      expect(calls).toEqual(['port', 'account', 'account', 'mail']);
      expect(keys.slice(1, 3)).toEqual([`${id}:account`, `${id}:account`]);
      expect(service.steps[1]).toMatchObject({ attempts: 2, status: 'completed', error: null });
    });

    it.each([
      ['port', ['undo port (unknown)'], ['compensated', 'pending', 'pending']],
      ['account', ['undo account (unknown)', 'undo port (completed)'], ['compensated', 'compensated', 'pending']],
      [
        'mail',
        ['undo mail (unknown)', 'undo account (completed)', 'undo port (completed)'],
        ['compensated', 'compensated', 'compensated'],
      ],
    ])('undoes in reverse what was done when %s fails for good', async (broken, undone, statuses) => {
      script = (phase, key) => {
        if (phase === 'run' && key === broken) throw vendorErrors.NO_PORT({});
      };
      const { service, events } = await provision();
      expect(service).toMatchObject({ status: 'failed', provisionedAt: null });
      expect(service.steps.map(({ status }) => status)).toEqual(statuses);
      expect(service.steps.find(({ name }) => name === broken)).toMatchObject({
        error: 'There is no free port.',
        attempts: 1,
      });
      expect(calls.filter((it) => it.startsWith('undo'))).toEqual(undone);
      expect(events).toEqual(['service.requested', 'service.failed']);
    });

    it('undoes a step that did not end in time, and says of errors no more than it may', async () => {
      script = (phase, key) => {
        if (phase === 'run' && key === 'account') return new Promise(() => undefined);
        return undefined;
      };
      const { service } = await provision();
      expect(service.status).toBe('failed');
      expect(service.steps[1]).toMatchObject({ error: 'The step account took longer than 5 s.', attempts: 2 });
      script = (phase, key) => {
        if (phase === 'run' && key === 'port') throw new Error('password=hunter2');
      };
      expect((await provision()).service.steps[0]).toMatchObject({ error: 'The step port failed.' });
    });

    it('is stuck when it cannot be undone', async () => {
      script = (phase, key) => {
        if (phase === 'run' && key === 'mail') throw vendorErrors.NO_PORT({});
        if (phase === 'undo' && key === 'account') throw new Error('no route');
      };
      const { service, events } = await provision();
      expect(service.status).toBe('stuck');
      expect(service.steps.map(({ status }) => status)).toEqual(['completed', 'compensation_failed', 'compensated']);
      expect(calls.filter((it) => it === 'undo account (completed)')).toHaveLength(2);
      expect(events).toEqual(['service.requested', 'service.stuck']);
    });

    it('is undone when its customer leaves meanwhile', async () => {
      let customer = '';
      script = async (phase, key) => {
        if (phase === 'run' && key === 'account') await run.acme.customers.delete(customer);
      };
      customer = await run.active();
      const { id } = await run.acme.services.request(customer, { serviceName: 'internet' });
      await until(async () => (await run.acme.provisioning.get(id)).status === 'failed', run.clock);
      expect(calls).toEqual(['port', 'account', 'undo account (completed)', 'undo port (completed)']);
    });

    it('says which step it is stuck at, and keeps what a step threw out of logs and answers', async () => {
      script = (phase, key) => {
        if (phase === 'run' && key === 'mail') throw vendorErrors.NO_PORT({});
        if (phase === 'undo' && key === 'account') throw new Error('postgres://admin:hunter2@db');
      };
      const stuck: unknown[] = [];
      run.module.events.on('service.stuck', ({ data }) => void stuck.push(data));
      const { id, service } = await provision();
      await until(() => stuck.length > 0, run.clock);
      expect(stuck).toEqual([
        {
          requestId: id,
          serviceId: id,
          serviceName: 'internet',
          operation: 'provision',
          step: 'account',
          error: 'The step account failed.',
        },
      ]);
      expect(service.steps[1]).toMatchObject({ error: 'The step account failed.' });
      expect(logged()).toContain('a provisioning step failed for good');
      expect(logged()).not.toContain('hunter2');
    });

    it('is refused to customers that are not active, for unknown services, and with a configuration that does not fit', async () => {
      const customerId = await run.active();
      const { services, suspension } = run.acme;
      await expect(services.request(customerId, { serviceName: 'gas' })).rejects.toMatchObject({
        code: 'SERVICE_TEMPLATE_NOT_FOUND',
        issues: [{ path: 'service_name' }],
      });
      await expect(
        services.request(customerId, { serviceName: 'internet', customConfig: { speed: 5_000 } }),
      ).rejects.toMatchObject({
        code: 'INVALID_SERVICE_CONFIG',
        issues: [{ path: 'custom_config.speed' }],
      });
      await suspension.suspend(customerId, { actionType: 'late' });
      await expect(services.request(customerId, { serviceName: 'internet' })).rejects.toMatchObject({
        code: 'ILLEGAL_TRANSITION',
      });
      expect(calls).toEqual([]);
    });
  });
