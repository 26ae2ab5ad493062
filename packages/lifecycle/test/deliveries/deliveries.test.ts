import { coreErrors, newId, type Logger } from '@dotmac/core';
import { z } from 'zod';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LifecycleOptions } from '../../src/options.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const nothing = { items: [], nextCursor: null };
const veto = coreErrors.PERMISSION_DENIED({ permission: 'lifecycle:write' });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`deliveries that were given up, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    const begin = async (options: Partial<LifecycleOptions>): Promise<void> => {
      backend = await create();
      run = await rig(backend, options);
    };
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it('are listed without what is in them, and tried again when somebody asks', async () => {
      let isBroken = true;
      const told: string[] = [];
      const afterCommit = ({ state }: { state: { id: string; stage: string } }): void => {
        if (isBroken) throw new Error('no');
        told.push(`${state.id} ${state.stage}`);
      };
      await begin({ hooks: { 'customer.delete': { afterCommit } }, maxDeliveryAttempts: 2 });
      const { id } = await run.acme.customers.register(someone());
      await run.acme.customers.delete(id);
      await until(async () => (await run.acme.deliveries.parked()).items.length === 1, run.clock);
      const [parked] = (await run.acme.deliveries.parked({ customerId: id })).items;
      expect(parked).toMatchObject({
        subscriber: 'hook:customer.delete',
        customerId: id,
        attempts: 2,
        reason: 'DELIVERY_FAILED',
      });
      expect(JSON.stringify(parked)).not.toContain('stage');
      expect(await run.acme.deliveries.parked({ customerId: 'another' })).toEqual(nothing);
      expect(await run.other.deliveries.parked()).toEqual(nothing);
      await expect(run.other.deliveries.retry(parked?.id ?? '')).rejects.toMatchObject({ code: 'DELIVERY_NOT_FOUND' });
      isBroken = false;
      await run.acme.deliveries.retry(parked?.id ?? '');
      await until(() => told.length === 1, run.clock);
      expect(told).toEqual([`${id} deleted`]);
      expect(await run.acme.deliveries.parked()).toEqual(nothing);
      await expect(run.acme.deliveries.retry(parked?.id ?? '')).rejects.toMatchObject({ code: 'DELIVERY_NOT_FOUND' });
    });

    it('are looked for by few queries, however few of one customer are asked for', async () => {
      await begin({});
      const at = run.clock.now();
      const parkedFor = async (count: number, subject: (index: number) => string): Promise<void> => {
        const { outbox, transaction } = backend.store;
        const entries = Array.from({ length: count }, (_, index) => {
          const event = { id: newId(), name: 'nobody.reads', at, tenantId: 'acme', actor: 'system', data: {} };
          return { subscriber: 'nobody', event: { ...event, subject: subject(index) } };
        });
        await transaction((trx) => outbox.append(entries, trx));
        for (let left = count; left > 0;) {
          const claimed = await outbox.claim({ subscribers: ['nobody'], limit: 500, leaseMs: 60_000 });
          for (const { claim } of claimed) await outbox.park(claim, 'NOBODY');
          left -= claimed.length;
        }
      };
      await parkedFor(620, (index) => (index >= 550 && index % 10 === 0 ? 'one' : `other${index}`));
      const asked = vi.spyOn(backend.store.outbox, 'parked');
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await run.acme.deliveries.parked({ customerId: 'one', limit: 1, cursor });
        expect(page.items.length).toBeLessThanOrEqual(1);
        found.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(new Set(found).size).toBe(7);
      expect(found).toHaveLength(7);
      // Two pages to the first, and each of the following is found once more than it is looked at.
      expect(asked.mock.calls.length).toBeLessThan(20);
      asked.mockRestore();
    });

    it('are listed by the page, of one customer if asked; what is removed is gone, and its history says by whom', async () => {
      const afterCommit = (): void => {
        throw new Error('no');
      };
      await begin({ hooks: { 'customer.register': { afterCommit } }, maxDeliveryAttempts: 1 });
      const people: string[] = [];
      for (let count = 0; count < 5; count++) people.push((await run.acme.customers.register(someone())).id);
      const { deliveries } = run.acme;
      await until(async () => (await deliveries.parked({ limit: 10 })).items.length === 5, run.clock);
      const all: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await deliveries.parked({ limit: 2, cursor });
        all.push(...page.items.map(({ customerId }) => customerId));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(all).toEqual(people);
      const [, , , fourth = ''] = people;
      const own = await deliveries.parked({ limit: 1, customerId: fourth });
      expect(own.items.map(({ customerId }) => customerId)).toEqual([fourth]);

      const deliveryId = own.items[0]?.id ?? '';
      const missing = { code: 'DELIVERY_NOT_FOUND' };
      await expect(run.other.deliveries.discard(deliveryId)).rejects.toMatchObject(missing);
      await deliveries.discard(deliveryId);
      await expect(deliveries.discard(deliveryId)).rejects.toMatchObject(missing);
      await expect(deliveries.retry(deliveryId)).rejects.toMatchObject(missing);
      expect(await deliveries.parked({ customerId: fourth })).toEqual(nothing);
      expect((await deliveries.parked({ limit: 10 })).items).toHaveLength(4);
      expect((await run.acme.customers.summary(fourth)).lifecycleEvents.at(-1)).toMatchObject({
        eventType: 'customer.delivery_discarded',
        actor: 'user:1',
        details: { subscriber: 'hook:customer.register', event_type: 'command.committed' },
      });
      const report: string[] = [];
      for await (const { kind } of run.acme.consistency.check()) report.push(kind);
      expect(report).toEqual(['done']);
    });

    it('go by themselves once they were given up so many days ago', async () => {
      const afterCommit = (): void => {
        throw new Error('no');
      };
      await begin({ hooks: { 'customer.register': { afterCommit } }, maxDeliveryAttempts: 1, keptDays: { parked: 2 } });
      await run.acme.customers.register(someone());
      const parked = async () => (await run.acme.deliveries.parked()).items.length;
      await until(async () => (await parked()) === 1, run.clock);
      run.clock.set(run.clock.now() + 47 * 3_600_000);
      await run.clock.advance(600_000);
      expect(await parked()).toBe(1);
      run.clock.set(run.clock.now() + 3_600_000);
      await until(async () => (await parked()) === 0, run.clock, 10_000);
    });

    it('do not hold up a hook that is run again for one customer, in the order of what it is told', async () => {
      const told: string[] = [];
      await begin({
        hooks: {
          'customer.register': { afterCommit: ({ state }) => void told.push(`${state.id} ${state.stage}`) },
        },
      });
      const { id } = await run.acme.customers.register(someone());
      await run.acme.customers.delete(id);
      await run.acme.deliveries.replay(id, { hook: 'customer.register' });
      await until(() => told.length === 2, run.clock);
      expect(told).toEqual([`${id} registration`, `${id} deleted`]);
      const missing = { code: 'HOOK_NOT_FOUND' };
      await expect(run.acme.deliveries.replay(id, { hook: 'customer.delete' })).rejects.toMatchObject(missing);
      const stranger = run.other.deliveries.replay(id, { hook: 'customer.register' });
      await expect(stranger).rejects.toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
    });
  });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`the hook of a request for a service, on ${title}`, () => {
    it('is run again with that service as it is now, and its customer', async () => {
      const backend = await create();
      const template = defineServiceTemplate({
        name: 'internet',
        config: z.object({}),
        steps: [{ key: 'port', run: () => undefined }],
      });
      const told: [string, string, string, string][] = [];
      const run = await rig(backend, {
        templates: [template],
        hooks: {
          'customer.requestService': {
            afterCommit: ({ state: { customer, run: work, service } }) =>
              void told.push([customer.id, service.id, work.id, service.status]),
          },
        },
      });
      const { deliveries, services } = run.acme;
      const [id, another] = [await run.active(), await run.active()];
      const { id: serviceId } = await services.request(id, { serviceName: 'internet' });
      await until(async () => (await services.get(serviceId)).status === 'active', run.clock);
      const hook = 'customer.requestService';
      await deliveries.replay(id, { hook, serviceId });
      await until(() => told.length === 2, run.clock);
      expect(told.map(([customerId, service, work]) => [customerId, service, work])).toEqual([
        [id, serviceId, serviceId],
        [id, serviceId, serviceId],
      ]);
      expect(told.at(-1)?.[3]).toBe('active');
      const wrong = { code: 'SERVICE_NOT_FOUND' };
      await expect(deliveries.replay(another, { hook, serviceId })).rejects.toMatchObject(wrong);
      await expect(deliveries.replay(id, { hook, serviceId: id })).rejects.toMatchObject(wrong);
      const unnamed = { issues: [{ path: 'service_id' }] };
      await expect(deliveries.replay(id, { hook })).rejects.toMatchObject(unnamed);
      const odd = deliveries.replay(id, { hook: 'customer.delete', serviceId });
      await expect(odd).rejects.toMatchObject(unnamed);
      await run.stop();
      await backend.close();
    });
  });

describe('the failure of a before hook', () => {
  const memory = backends[0] as (typeof backends)[number];
  const attempt = async (hook: NonNullable<LifecycleOptions['hooks']>['customer.delete'], logger?: Logger) => {
    const backend = await memory.create();
    const run = await rig(backend, { hooks: { 'customer.delete': hook ?? {} }, ...(logger && { logger }) });
    const { id } = await run.acme.customers.register(someone());
    const deleting = run.acme.customers.delete(id);
    deleting.catch(() => undefined);
    await backend.clock.advance(2_000);
    return deleting.then(({ lifecycleStage }) => lifecycleStage).finally(() => run.stop());
  };
  const broken = () => Promise.reject(new Error('out of reach'));
  const silent = () => new Promise<void>(() => undefined);

  it('refuses the command, unless the host said to go on', async () => {
    const failed = {
      code: 'HOOK_FAILED',
      details: { hook: 'customer.delete (before)' },
      cause: new Error('out of reach'),
    };
    await expect(attempt({ before: broken })).rejects.toMatchObject(failed);
    await expect(attempt({ before: { run: broken } })).rejects.toMatchObject(failed);
    const logged: string[] = [];
    const note = (_: object, text: string) => void logged.push(text);
    const logger = { debug: note, info: note, warn: note, error: note } as unknown as Logger;
    expect(await attempt({ before: { run: broken, onFailure: 'ignore' } }, logger)).toBe('deleted');
    expect(logged).toContain('a hook failed, and the command goes on without it');
  });

  it('comes after a time of its own', async () => {
    const late = { code: 'HOOK_TIMED_OUT' };
    await expect(attempt({ before: { run: silent, timeoutMs: 1_000 } })).rejects.toMatchObject(late);
    expect(await attempt({ before: { run: silent, timeoutMs: 1_000, onFailure: 'ignore' } })).toBe('deleted');
    await expect(attempt({ inTransaction: { run: silent, timeoutMs: 500 } })).rejects.toMatchObject(late);
  });

  it('is not a veto: that always refuses', async () => {
    const before = { run: () => Promise.reject(veto), onFailure: 'ignore' } as const;
    await expect(attempt({ before })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});
