import { defineErrors } from '@dotmac/core';
import { z } from 'zod';
import { afterEach, describe, expect, it } from 'vitest';
import { defineJourney } from '../../src/journeys/journey.js';
import type { LifecycleOptions } from '../../src/options.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const day = 24 * 3_600_000;
const hostErrors = defineErrors({
  STILL_OWES: { kind: 'conflict', message: (_: Record<never, never>) => 'An invoice must be kept.' },
  BROKEN: { kind: 'conflict', message: (_: Record<never, never>) => 'The network is out of order.' },
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`erasing later, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    const begin = async (options: Partial<LifecycleOptions> = {}): Promise<void> => {
      backend = await create();
      run = await rig(backend, options);
      id = await run.active();
    };
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const isErased = async () => (await run.acme.customers.read(id)).erasedAt !== null;
    const timers = async () => (await run.acme.timers.list(id)).map(({ name, postponed }) => [name, postponed]);
    const told = async () => {
      const { lifecycleEvents } = await run.acme.customers.summary(id);
      return lifecycleEvents
        .filter(({ eventType }) => eventType.includes('postponed') || eventType.includes('skipped'))
        .map(({ eventType, actor, details }) => [eventType, actor, details]);
    };
    /** Lets whatever is due be tried. */
    const pass = async (ms: number): Promise<void> => {
      run.clock.set(run.clock.now() + ms);
      await run.clock.advance(60_000);
    };
    const setErasure = () =>
      run.acme.timers.set(id, {
        name: 'retention',
        command: 'erase',
        input: { reference: 'after 90 days' },
        dueAt: run.clock.now() + 90 * day,
      });

    it('is done when the time has come, in the name of the timer', async () => {
      await begin();
      await run.acme.customers.delete(id);
      await setErasure();
      await pass(89 * day);
      expect(await isErased()).toBe(false);
      await pass(day);
      await until(isErased, run.clock, 1_000);
      const { lifecycleEvents } = await run.acme.customers.summary(id);
      expect(lifecycleEvents.at(-1)).toMatchObject({
        eventType: 'customer.erased',
        actor: 'timer:retention',
        details: { reference: 'after 90 days' },
      });
      expect(await timers()).toEqual([]);
    });

    it('waits for as long as something keeps it from being done, says so once for each cause, and is then done', async () => {
      let vetoes = false;
      await begin({
        hooks: {
          'customer.erase': {
            before: () => {
              if (vetoes) throw hostErrors.STILL_OWES({});
            },
          },
        },
      });
      await run.acme.customers.delete(id);
      await setErasure();
      await run.acme.privacy.setHold(id, { name: 'case-1' });
      await pass(90 * day);
      await until(async () => (await timers())[0]?.[1] === 'LEGAL_HOLD', run.clock, 1_000);
      await pass(3 * day);
      await until(async () => ((await run.acme.timers.list(id))[0]?.dueAt ?? 0) > run.clock.now(), run.clock, 1_000);
      expect(await told()).toHaveLength(1);
      vetoes = true;
      await run.acme.privacy.liftHold(id, 'case-1');
      await pass(day);
      await until(async () => (await timers())[0]?.[1] === 'STILL_OWES', run.clock, 1_000);
      expect(await told()).toMatchObject([
        ['customer.timer_postponed', 'timer:retention', { reason: expect.stringContaining('case-1') }],
        ['customer.timer_postponed', 'timer:retention', { reason: 'An invoice must be kept.', command: 'erase' }],
      ]);
      vetoes = false;
      await pass(day);
      await until(isErased, run.clock, 1_000);
      // Why it was put off may say something of the person.
      expect((await told()).map(([, , details]) => details)).toMatchObject([{ reason: '' }, { reason: '' }]);
    });

    it('is not done to a customer who came back, and the history says so', async () => {
      await begin();
      await run.acme.customers.delete(id);
      await setErasure();
      await run.acme.customers.restore(id);
      await run.acme.customers.winBack(id);
      await pass(90 * day);
      await until(async () => (await timers()).length === 0, run.clock, 1_000);
      expect(await isErased()).toBe(false);
      expect(await told()).toMatchObject([['customer.timer_skipped', 'timer:retention', { command: 'erase' }]]);
    });

    it('is not done to a customer who was restored since, nor to one who came back and left again', async () => {
      await begin();
      await run.acme.customers.delete(id);
      for (const comeBack of [
        () => run.acme.customers.restore(id),
        async () => {
          await run.acme.customers.winBack(id);
          await run.acme.customers.deactivate(id);
        },
      ]) {
        await setErasure();
        await comeBack();
        expect((await run.acme.customers.get(id)).lifecycleStage).toBe('inactive');
        await pass(90 * day);
        await until(async () => (await timers()).length === 0, run.clock, 1_000);
        expect(await isErased()).toBe(false);
        expect((await told()).at(-1)).toMatchObject([
          'customer.timer_skipped',
          'timer:retention',
          { command: 'erase' },
        ]);
      }
      // Set since, it counts.
      await setErasure();
      await pass(90 * day);
      await until(isErased, run.clock, 1_000);
    });

    it.each([
      ['restored since', false, 0],
      ['restored, and deleted again since', true, 0],
      ['restored in an earlier round of it', false, 1],
    ])('is not done by a journey to a customer who was %s, and the history says so', async (_, isGoneAgain, rounds) => {
      let looks = 0;
      // Nothing ends it, and what it starts on is not heard while it is under way.
      const retention = defineJourney({
        name: 'retention',
        startsOn: ['customer.deleted'],
        steps: [
          { key: 'look', afterDays: 20, next: () => (looks++ < rounds ? 'look' : 'erase') },
          { key: 'erase', afterDays: 90, command: 'erase', input: { reference: 'retention' } },
        ],
      });
      await begin({ journeys: [retention] });
      await run.acme.customers.delete(id);
      await pass(10 * day);
      await run.acme.customers.restore(id);
      for (let round = 0; round <= rounds; round++) {
        await pass(20 * day);
        await until(() => looks > round, run.clock, 1_000);
      }
      if (isGoneAgain) await run.acme.customers.delete(id);
      await pass(90 * day);
      await until(async () => (await timers()).length === 0, run.clock, 1_000);
      expect(await isErased()).toBe(false);
      expect(await told()).toMatchObject([
        [
          'journey.step_skipped',
          'journey:retention',
          { step: 'erase', reason: expect.stringContaining('it came back') as string },
        ],
      ]);
    });

    it('is done by a journey that the return itself began', async () => {
      const forget = defineJourney({
        name: 'forget',
        startsOn: ['customer.restored'],
        when: ({ stage }) => stage === 'inactive',
        steps: [{ key: 'erase', afterDays: 90, command: 'erase', input: { reference: 'forget' } }],
      });
      await begin({ journeys: [forget] });
      await run.acme.customers.delete(id);
      await pass(day);
      await run.acme.customers.restore(id);
      await pass(90 * day);
      await until(isErased, run.clock, 1_000);
    });

    it('is a step of a journey, which goes on from the erasure alone', async () => {
      let isBroken = true;
      const template = defineServiceTemplate({
        name: 'line',
        config: z.object({}),
        steps: [{ key: 'port', run: () => undefined }],
        operations: {
          deprovision: [
            {
              key: 'remove',
              run: () => {
                if (isBroken) throw hostErrors.BROKEN({});
              },
            },
          ],
        },
      });
      const retention = defineJourney({
        name: 'retention',
        startsOn: ['customer.deleted'],
        endsOn: ['customer.restored'],
        steps: [{ key: 'erase', afterDays: 90, command: 'erase', input: { reference: 'retention' } }],
      });
      await begin({ templates: [template], journeys: [retention] });
      const { id: serviceId } = await run.acme.services.request(id, { serviceName: 'line' });
      const is = (status: string) =>
        until(async () => (await run.acme.services.get(serviceId)).status === status, run.clock);
      await is('active');
      await run.acme.customers.delete(id);
      await is('stuck');
      await pass(90 * day);
      await until(async () => (await timers())[0]?.[1] === 'SERVICES_REMAIN', run.clock, 1_000);
      isBroken = false;
      const [stuck] = await run.acme.services.runs(serviceId);
      await run.acme.provisioning.retry(stuck?.id ?? '');
      await is('terminated');
      await pass(day);
      await until(isErased, run.clock, 1_000);
      expect(await told()).toMatchObject([
        ['customer.timer_postponed', 'journey:retention', { timer: 'journey:retention' }],
      ]);
    });
  });
