import { setTimeout as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Customer } from '../../src/customers/customer.js';
import { defineJourney } from '../../src/journeys/journey.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const day = 24 * 3_600_000;

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a condition of a journey that throws, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    /** Which condition throws, and for whom. */
    let isBroken: (condition: 'begin' | 'when' | 'next', customer: Customer) => boolean;
    const ask =
      <Answer>(condition: 'begin' | 'when' | 'next', answer: Answer) =>
      (customer: Customer): Answer => {
        if (isBroken(condition, customer)) throw new Error('cannot read properties of undefined');
        return answer;
      };
    beforeEach(async () => {
      backend = await create();
      isBroken = () => false;
      const journey = defineJourney({
        name: 'back',
        startsOn: ['customer.suspended'],
        endsOn: ['customer.reactivated'],
        when: ask('begin', true),
        steps: [
          { key: 'ask', afterDays: 1, when: ask('when', true), next: ask('next', 'call') },
          { key: 'call', afterDays: 2 },
        ],
      });
      run = await rig(backend, { journeys: [journey], sweepMs: 1_000 });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const story = async (id: string): Promise<object[]> =>
      (await backend.store.tenant('acme').history.list(id, { limit: 99 }))
        .slice(1)
        .map(({ event: { name, data } }) => (name.startsWith('journey.') ? { name, ...data } : { name }));
    const timerOf = async (id: string) => (await run.acme.timers.list(id))[0];
    const nobodyIsDue = async () => (await backend.store.dueTimers(run.clock.now(), { limit: 9 })).items.length === 0;
    const pass = async (ms: number): Promise<void> => {
      run.clock.set(run.clock.now() + ms);
      for (let round = 0; !(await nobodyIsDue()); round++) {
        if (round > 500) throw new Error('A timer that is due is not given.');
        await turn(1);
        await run.clock.advance(1_000);
      }
    };

    it('holds up neither an operation on many nor the others, and is asked again once it is mended', async () => {
      const people = await crowd(backend.store, 30);
      const unlucky = new Set(people.filter((_, index) => index % 10 === 3).map(({ id }) => id));
      isBroken = (condition, { id }) => condition === 'begin' && unlucky.has(id);
      const startedAt = run.clock.now();
      const { id } = await run.acme.bulk.start({
        command: 'suspend',
        input: { actionType: 'move' },
        filter: {},
        dryRun: false,
      });
      await until(async () => (await run.acme.bulk.get(id)).status === 'completed', run.clock);
      expect(await run.acme.bulk.get(id)).toMatchObject({ processed: 30, changed: 30, refused: 0 });
      isBroken = () => false;
      await pass(0.5 * day);
      for (const person of people) {
        const timer = await timerOf(person.id);
        expect(timer).toMatchObject({ name: 'journey:back', input: {} });
        // Counted from the beginning, whenever the question could be answered.
        expect((timer?.dueAt ?? 0) - startedAt).toBeLessThan(1.01 * day);
      }
      await pass(3 * day);
      await pass(3 * day);
      const [one = ''] = unlucky;
      expect(await story(one)).toEqual([
        { name: 'customer.suspended' },
        { name: 'journey.step_reached', journey: 'back', step: 'ask' },
        { name: 'journey.step_reached', journey: 'back', step: 'call' },
      ]);
    });

    it.each([
      ['begin', null],
      ['when', 'ask'],
      ['next', 'ask'],
    ] as const)('for hours (%s) ends the journey, and the history says so', async (condition, step) => {
      isBroken = (asked) => asked === condition;
      const [person] = await crowd(backend.store, 1);
      const id = person?.id ?? '';
      await run.acme.suspension.suspend(id, { actionType: 'move' });
      for (let attempt = 0; attempt < 12 && (await timerOf(id)); attempt++) await pass(day);
      const [, suspended, failed, ...others] = (await run.acme.customers.summary(id)).lifecycleEvents;
      expect([suspended?.eventType, failed?.eventType, others]).toEqual(['customer.suspended', 'journey.failed', []]);
      const reason = expect.stringContaining('log of the server') as string;
      expect(failed?.details).toEqual({ journey: 'back', step, reason });
      expect(await timerOf(id)).toBeUndefined();
    });

    it('is not asked any more once the journey is pointless', async () => {
      isBroken = () => true;
      const [person] = await crowd(backend.store, 1);
      const id = person?.id ?? '';
      await run.acme.suspension.suspend(id, { actionType: 'move' });
      expect(await timerOf(id)).toMatchObject({ command: 'journeyStep', input: {} });
      await run.acme.suspension.reactivate(id, { actionType: 'move' });
      expect(await timerOf(id)).toBeUndefined();
    });
  });
