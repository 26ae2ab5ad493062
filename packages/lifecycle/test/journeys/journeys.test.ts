import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineJourney, type JourneyInit } from '../../src/journeys/journey.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, type Rig } from '../support/lifecycle.js';
import { passDays } from '../support/pass-days.js';

const hour = 3_600_000;
const day = 24 * hour;
const welcome: JourneyInit = {
  name: 'welcome',
  startsOn: ['customer.verified'],
  endsOn: ['customer.activated', 'customer.deactivated', 'customer.deleted'],
  when: ({ stage, userType }) => stage === 'verification' && userType !== 'staff',
  steps: [
    { key: 'remind', afterDays: 3 },
    { key: 'call', afterDays: 7, when: ({ phone }) => phone !== null },
    { key: 'give-up', afterDays: 14, command: 'deactivate', input: { reason: 'never onboarded' } },
  ],
};
const loyalty: JourneyInit = {
  name: 'loyalty',
  startsOn: ['customer.activated'],
  endsOn: ['customer.deactivated'],
  steps: [
    { key: 'ask', afterDays: 30, next: ({ marketingConsent }) => (marketingConsent ? 'offer' : 'end') },
    { key: 'never', afterDays: 31 },
    { key: 'offer', afterDays: 60 },
    { key: 'won', afterDays: 61, command: 'winBack' },
    { key: 'last', afterDays: 62 },
  ],
};

const nagging: JourneyInit = {
  name: 'nagging',
  startsOn: ['customer.churning'],
  steps: [
    { key: 'first', afterDays: 1 },
    { key: 'call', afterDays: 3 },
    { key: 'write', afterDays: 5, next: () => 'call' },
  ],
  mostTaken: 7,
};
const hasty: JourneyInit = {
  name: 'hasty',
  startsOn: ['customer.won_back'],
  endsOn: ['customer.suspended'],
  steps: [{ key: 'again', afterDays: 0, next: () => 'again' }],
};

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`journeys on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let start: number;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { journeys: [welcome, loyalty, nagging, hasty].map(defineJourney), sweepMs: 1_000 });
      start = run.clock.now();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const verified = async (more: object = {}): Promise<string> => {
      const { id } = await run.acme.customers.register({ ...someone(), ...more });
      await run.acme.verification.verify(id, { verificationToken: await run.token(id), verificationType: 'email' });
      start = run.clock.now();
      return id;
    };
    const pass = (days: number): Promise<void> => passDays(days, backend, run);
    const story = async (id: string, from = 2): Promise<string[]> => {
      const events = (await backend.store.tenant('acme').history.list(id, { limit: 1_000 })).slice(from);
      return events.map(({ event }) => {
        const step = 'step' in event.data && event.name.startsWith('journey.') ? ` ${String(event.data.step)}` : '';
        return `day ${Math.round((event.at - start) / day)}: ${event.name}${step}`;
      });
    };

    it('tell and act at their times, counted from their beginning', async () => {
      const id = await verified({ phone: '+4930901820' });
      await pass(20);
      expect(await story(id)).toEqual([
        'day 3: journey.step_reached remind',
        'day 7: journey.step_reached call',
        'day 14: customer.deactivated',
      ]);
      expect((await run.acme.customers.summary(id)).lifecycleEvents.at(-1)).toMatchObject({
        actor: 'journey:welcome',
        details: { reason: 'never onboarded' },
      });
      expect(await run.acme.timers.list(id)).toEqual([]);
    });

    it('end at their goal, and pass by what does not concern the customer', async () => {
      const id = await verified();
      await pass(10);
      await run.acme.onboarding.onboard(id);
      expect((await run.acme.timers.list(id)).map(({ name }) => name)).toEqual(['journey:loyalty']);
      await pass(10);
      expect(await story(id)).toEqual([
        'day 3: journey.step_reached remind',
        'day 10: customer.onboarding_started',
        'day 10: customer.activated',
      ]);
      expect(await run.acme.timers.list(await verified({ userType: 'staff' }))).toEqual([]);
    });

    it('branch, and go on past a command that is not legal', async () => {
      const [plain, willing] = [await verified(), await verified({ marketingConsent: true })];
      for (const id of [plain, willing]) await run.acme.onboarding.onboard(id);
      await pass(70);
      expect(await story(plain, 4)).toEqual(['day 30: journey.step_reached ask']);
      expect(await story(willing, 4)).toEqual([
        'day 30: journey.step_reached ask',
        'day 60: journey.step_reached offer',
        'day 61: journey.step_skipped won',
        'day 62: journey.step_reached last',
      ]);
    });

    it('go round at the pace of their steps, and not for ever', async () => {
      const id = await run.active();
      start = run.clock.now();
      await run.acme.customers.markChurning(id);
      await pass(20);
      expect(await story(id, 5)).toEqual([
        'day 1: journey.step_reached first',
        'day 3: journey.step_reached call',
        'day 5: journey.step_reached write',
        'day 7: journey.step_reached call',
        'day 9: journey.step_reached write',
        'day 11: journey.step_reached call',
        'day 13: journey.step_reached write',
      ]);
      await run.acme.customers.winBack(id);
      await pass(3);
      await run.acme.suspension.suspend(id, { actionType: 'enough' });
      await pass(3);
      const events = (await backend.store.tenant('acme').history.list(id, { limit: 99 })).map(({ event }) => event);
      const reached = events.slice(12).filter(({ name }) => name === 'journey.step_reached');
      expect(reached.length).toBeGreaterThanOrEqual(3);
      for (const [index, { at }] of reached.slice(1).entries())
        expect(at - (reached[index]?.at ?? 0)).toBeGreaterThanOrEqual(day);
      expect(events.at(-1)?.name).toBe('customer.suspended');
    });
  });

it.each([
  [{ ...welcome, name: 'a b' }],
  [{ ...welcome, steps: [] }],
  [{ ...welcome, startsOn: [] }],
  [{ ...welcome, endsOn: ['customer.vanished' as never] }],
  [{ ...welcome, steps: [{ key: 'end', afterDays: 1 }] }],
  [{ ...welcome, steps: [{ key: 'x', afterDays: -1 }] }],
  [{ ...welcome, steps: [{ key: 'x', afterDays: 1e9 }] }],
  [{ ...welcome, steps: [{ key: 'x', afterDays: 1, command: 'suspend' as const }] }],
  [
    {
      ...welcome,
      steps: [{ key: 'x', afterDays: 1, command: 'delete' as const, input: { reason: 'x'.repeat(1_001) } }],
    },
  ],
  [{ ...welcome, steps: [{ key: 'x', afterDays: 1, command: 'vanish' as never }] }],
  [{ ...welcome, leastGapHours: 0 }],
  [{ ...welcome, leastGapHours: 1e9 }],
  [{ ...welcome, mostTaken: 0 }],
])('a journey that makes no sense is refused: %j', (init) => {
  expect(() => defineJourney(init)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});
