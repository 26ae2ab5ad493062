import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { expectEvents } from '../../src/testing/expect-events.js';
import { backends, type Backend } from '../support/backends.js';
import { expectFolded } from '../support/folded.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const day = 24 * 3_600_000;

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`payment promised for one service on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let told: string[];
    let customerId: string;
    let [web, voice]: [string, string] = ['', ''];
    beforeEach(async () => {
      [backend, told] = [await create(), []];
      const step = { key: 'network', run: () => undefined };
      const operations = { suspend: [step], throttle: [step], resume: [step] };
      const templates = ['web', 'voice'].map((name) =>
        defineServiceTemplate({ name, config: z.object({}), steps: [step], operations }),
      );
      run = await rig(backend, {
        templates,
        sweepMs: 1_000,
        hooks: {
          'service.promise': { before: ({ input }) => void told.push(`${input.reason} until ${input.until}`) },
          'service.endPromise': { inTransaction: ({ input, actor }) => void told.push(`${actor}: ${input.reason}`) },
        },
      });
      customerId = await run.active();
      const request = async (serviceName: string) => {
        const { id } = await run.acme.services.request(customerId, { serviceName });
        await gives(id, 'full');
        return id;
      };
      [web, voice] = [await request('web'), await request('voice')];
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const gives = (id: string, access: string) =>
      until(async () => {
        const now = await run.acme.services.get(id);
        return now.access === access && now.openRunId === null;
      }, run.clock);
    const comes = (done: () => Promise<boolean>) => until(done, run.clock);
    const timers = async () => (await run.acme.timers.list(customerId)).map(({ name, dueAt }) => [name, dueAt]);
    const agree = async () => {
      await expectFolded(backend.store, customerId);
    };

    it('leaves its reason without effect, and the other service and the customer as they are', async () => {
      const { services, customers } = run.acme;
      for (const id of [web, voice]) await services.suspend(id, { actionType: 'non_payment' });
      await services.suspend(web, { actionType: 'abuse', severity: 'throttle' });
      for (const id of [web, voice]) await gives(id, 'suspended');
      const until = run.clock.now() + 3 * day;
      const promised = await services.promise(web, { actionType: 'non_payment', until, reason: 'on Friday' });
      expect(promised).toMatchObject({
        openReasons: ['non_payment', 'abuse'],
        promises: [{ reason: 'non_payment', until }],
      });
      await gives(web, 'throttled');
      expect((await services.get(voice)).access).toBe('suspended');
      expect((await customers.read(customerId)).blocks).toEqual([]);
      expect(await timers()).toEqual([[`promise:${web}:non_payment`, until]]);
      expect(told).toEqual([`non_payment until ${until}`]);
      await agree();
    });

    it('is over at its time, and the reason takes effect again', async () => {
      const { services } = run.acme;
      await services.suspend(web, { actionType: 'non_payment' });
      await gives(web, 'suspended');
      const seq = (await run.acme.customers.read(customerId)).version;
      const until = run.clock.now() + 3 * day;
      await services.promise(web, { actionType: 'non_payment', until: until - day });
      // Promised again: until another time.
      await services.promise(web, { actionType: 'non_payment', until, reason: 'on Friday' });
      await gives(web, 'full');
      run.clock.set(until - 1);
      expect(await timers()).toHaveLength(1);
      run.clock.set(until);
      await gives(web, 'suspended');
      expect(await timers()).toEqual([]);
      expect(told.at(-1)).toBe(`timer:promise:${web}:non_payment: non_payment`);
      const reason = { service_id: web, reason: 'non_payment' };
      await expectEvents(
        run.acme,
        customerId,
        [
          { event: 'service.promised', details: { ...reason, note: null } },
          'service.operation_started',
          {
            event: 'service.promised',
            details: { ...reason, until: new Date(until).toISOString(), note: 'on Friday' },
          },
          'service.resumed',
          { event: 'service.promise_ended', details: { service_id: web, reasons: ['non_payment'] } },
          'service.operation_started',
          'service.suspended',
        ],
        { after: seq },
      );
      await agree();
    });

    it('is over with its reason, when that hits harder, and when somebody ends it', async () => {
      const { services } = run.acme;
      const until = run.clock.now() + 3 * day;
      const late = { actionType: 'late', until };
      await services.suspend(web, { actionType: 'late', severity: 'throttle' });
      await services.promise(web, late);
      await services.suspend(web, { actionType: 'late' });
      expect([await timers(), (await services.get(web)).promises]).toEqual([[], []]);
      await services.promise(web, late);
      await services.resume(web, { actionType: 'late' });
      expect(await timers()).toEqual([]);
      for (const actionType of ['late', 'abuse']) {
        await services.suspend(web, { actionType });
        await services.promise(web, { actionType, until });
      }
      await services.endPromise(web, { actionType: 'abuse' });
      expect(await timers()).toEqual([[`promise:${web}:late`, until]]);
      await services.endPromise(web);
      expect([await timers(), (await services.get(web)).promises]).toEqual([[], []]);
      await gives(web, 'suspended');
      await agree();
    });

    it('is given once under its key, and refused where nothing is open, for no time, and of what is gone', async () => {
      const { services } = run.acme;
      const until = run.clock.now() + day;
      const busy = { code: 'SERVICE_BUSY' };
      await expect(services.promise(web, { actionType: 'late', until })).rejects.toMatchObject(busy);
      await expect(services.endPromise(web)).rejects.toMatchObject(busy);
      await expect(services.promise('nobody', { actionType: 'late', until })).rejects.toMatchObject({
        code: 'SERVICE_NOT_FOUND',
      });
      await services.suspend(web, { actionType: 'late' });
      await gives(web, 'suspended');
      for (const wrong of [run.clock.now(), run.clock.now() + 91 * day, NaN])
        await expect(services.promise(web, { actionType: 'late', until: wrong })).rejects.toMatchObject({
          code: 'INVALID_INPUT',
        });
      told.length = 0;
      const first = await services.promise(web, { actionType: 'late', until }, { idempotencyKey: 'p-1' });
      expect(await services.promise(web, { actionType: 'late', until }, { idempotencyKey: 'p-1' })).toEqual(first);
      expect(told).toHaveLength(1);
      await services.terminate(web);
      await gives(web, 'none');
      await expect(services.promise(web, { actionType: 'late', until })).rejects.toMatchObject(busy);
      // What was promised ends in its time; nothing is done to what is gone.
      run.clock.set(until);
      await comes(async () => (await timers()).length === 0);
      expect((await services.get(web)).access).toBe('none');
      await agree();
    });
  });
