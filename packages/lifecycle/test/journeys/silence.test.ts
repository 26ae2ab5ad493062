import { setTimeout as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineJourney } from '../../src/journeys/journey.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, type Rig } from '../support/lifecycle.js';

const day = 24 * 3_600_000;
const silence = defineJourney({
  name: 'silence',
  startsOn: ['customer.activated'],
  restartsOn: ['customer.updated'],
  endsOn: ['customer.churning', 'customer.deactivated', 'customer.deleted'],
  when: ({ attributes }) => attributes.isQuiet !== true,
  steps: [
    { key: 'ask', afterDays: 60 },
    { key: 'lost', afterDays: 90, command: 'markChurning', input: { reason: 'silent' } },
  ],
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a journey that begins again with every sign of life, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    let start: number;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { journeys: [silence], sweepMs: 1_000 });
      id = await run.active();
      start = run.clock.now();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const pass = async (days: number): Promise<void> => {
      run.clock.set(run.clock.now() + days * day);
      for (let round = 0; (await backend.store.dueTimers(run.clock.now(), { limit: 9 })).items.length > 0; round++) {
        if (round > 500) throw new Error('A timer that is due is not given.');
        await turn(1);
        await run.clock.advance(1_000);
      }
    };
    const sign = (city: string) => run.acme.customers.update(id, { attributes: { city } });
    const story = async (): Promise<string[]> =>
      (await backend.store.tenant('acme').history.list(id, { limit: 99 }))
        .filter(({ event }) => event.at > start + day)
        .map(({ event: { name, at } }) => `day ${Math.round((at - start) / day)}: ${name}`);
    const dueOn = async () => (await run.acme.timers.list(id)).map(({ dueAt }) => Math.round((dueAt - start) / day));

    it('counts its days from the last one, at the first step again', async () => {
      await pass(50);
      await sign('Rome');
      expect(await dueOn()).toEqual([110]);
      await pass(62);
      expect(await dueOn()).toEqual([140]);
      await sign('Oslo');
      expect(await dueOn()).toEqual([172]);
      for (const days of [60, 30, 30]) await pass(days);
      expect(await story()).toEqual([
        'day 50: customer.updated',
        'day 112: journey.step_reached',
        'day 112: customer.updated',
        'day 172: journey.step_reached',
        'day 202: customer.churning',
      ]);
      expect(await dueOn()).toEqual([]);
    });

    it('is one journey, however many signs come at once', async () => {
      await pass(10);
      const answers = await Promise.allSettled(['Rome', 'Oslo', 'Bonn', 'Graz', 'Lyon'].map(sign));
      expect(answers.some(({ status }) => status === 'fulfilled')).toBe(true);
      expect(await dueOn()).toEqual([70]);
    });

    it('stays where it is when the sign is undone with its transaction', async () => {
      await pass(10);
      const undone = new Error('undone on purpose');
      const change = backend.store.transaction(async (trx) => {
        await run.acme.customers.update(id, { attributes: { city: 'Rome' } }, { trx });
        throw undone;
      });
      await expect(change).rejects.toBe(undone);
      expect(await dueOn()).toEqual([60]);
    });

    it('is left by whom it is not for any more, and nobody sets out by a sign alone', async () => {
      await run.acme.customers.update(id, { attributes: { isQuiet: true } });
      expect(await dueOn()).toEqual([]);
      await run.acme.customers.update(id, { attributes: { isQuiet: false } });
      expect(await dueOn()).toEqual([]);
    });
  });
