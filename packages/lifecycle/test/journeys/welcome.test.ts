import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineJourney } from '../../src/journeys/journey.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';
import { passDays } from '../support/pass-days.js';

const hour = 3_600_000;
const day = 24 * hour;
const beforeActive = ['verification', 'onboarding'];
/** As in docs/follow-customers.md. */
const welcome = defineJourney({
  name: 'welcome',
  startsOn: ['customer.verified'],
  endsOn: ['customer.activated', 'customer.churning', 'customer.deactivated', 'customer.deleted'],
  when: ({ stage }) => beforeActive.includes(stage),
  steps: [
    { key: 'remind', afterDays: 3 },
    {
      key: 'lost',
      afterDays: 14,
      when: ({ stage }) => beforeActive.includes(stage),
      command: 'markChurning',
      input: { reason: 'never onboarded' },
    },
  ],
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`verified but not onboarded, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let start: number;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, {
        journeys: [welcome],
        checklist: [
          { key: 'sign', message: 'Sign.', isDone: ({ onboardingData }) => onboardingData['signed'] === true },
        ],
        sweepMs: 1_000,
      });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const verify = async (id: string, verificationType: 'email' | 'phone'): Promise<void> => {
      const verificationToken = await run.token(id, verificationType);
      await run.acme.verification.verify(id, { verificationToken, verificationType });
    };
    const verified = async (): Promise<string> => {
      const person = someone();
      const phone = `+4930${person.username.slice('user'.length)}`;
      const { id } = await run.acme.customers.register({ ...person, phone });
      await verify(id, 'email');
      start = run.clock.now();
      return id;
    };
    const signed = { onboardingData: { signed: true } };
    /** Verifies the telephone, with a new code: those sent before are too old. */
    const verifyPhone = async (id: string): Promise<void> => {
      const before = run.sent.length;
      await run.acme.verification.resend(id, { channel: 'phone' });
      await until(() => run.sent.length > before, run.clock);
      await verify(id, 'phone');
    };
    const pass = (days: number): Promise<void> => passDays(days, backend, run);
    /** All that happened. */
    const story = async (id: string): Promise<string[]> =>
      (await backend.store.tenant('acme').history.list(id, { limit: 1_000 })).map(({ event }) => {
        const { name, actor, data } = event;
        const led = 'from' in data && data.from !== data.to ? `, ${data.from} to ${data.to}` : '';
        const told =
          name === 'journey.step_reached' ? ` ${data.step}` : name === 'customer.verified' ? ` ${data.channel}` : '';
        return `day ${Math.floor((event.at - start) / day + 0.01)}: ${name}${told}${led} by ${actor}`;
      });
    const verifiedOnDay0 = [
      'day 0: customer.registered by user:1',
      'day 0: customer.verified email, registration to verification by user:1',
    ];
    const reminded = 'day 3: journey.step_reached remind by journey:welcome';

    it('is reminded in 3 days, and churning in 14, which it was no customer for', async () => {
      const id = await verified();
      await pass(20);
      await verifyPhone(id);
      await pass(20);
      expect(await story(id)).toEqual([
        ...verifiedOnDay0,
        reminded,
        'day 14: customer.churning, verification to churning by journey:welcome',
        'day 20: customer.verified phone by user:1',
      ]);
      expect(await run.acme.customers.get(id)).toMatchObject({ status: 'pending', lifecycleStage: 'churning' });
      expect(await run.acme.timers.list(id)).toEqual([]);
      const { funnel, churn, tenure } = await run.acme.figures.read();
      expect(funnel).toMatchObject({ registered: 1, verified: 1, onboarding: 0, active: 0 });
      expect(churn.filter(({ servedAtStart, gained, lost }) => servedAtStart + gained + lost > 0)).toEqual([]);
      expect(tenure).toMatchObject({ ended: { customers: 0 }, current: { customers: 0 } });
    });

    it('is so as well when onboarding was begun and not ended, and goes on there when it comes back', async () => {
      const id = await verified();
      await pass(2);
      await run.acme.onboarding.onboard(id);
      await pass(18);
      await run.acme.customers.winBack(id);
      await run.acme.onboarding.onboard(id, signed);
      await pass(20);
      expect(await story(id)).toEqual([
        ...verifiedOnDay0,
        'day 2: customer.onboarding_started, verification to onboarding by user:1',
        reminded,
        'day 14: customer.churning, onboarding to churning by journey:welcome',
        'day 20: customer.won_back, churning to onboarding by user:1',
        'day 20: customer.activated, onboarding to active by user:1',
      ]);
    });

    it('comes back by itself, too', async () => {
      const id = await verified();
      await pass(15);
      await run.acme.onboarding.onboard(id, signed);
      await pass(20);
      expect((await story(id)).slice(3)).toEqual([
        'day 14: customer.churning, verification to churning by journey:welcome',
        'day 15: customer.onboarding_started, churning to onboarding by user:1',
        'day 15: customer.activated, onboarding to active by user:1',
      ]);
    });

    it('is left alone when it is onboarded in between, or is churning already', async () => {
      const id = await verified();
      await pass(10);
      await run.acme.onboarding.onboard(id, signed);
      await pass(20);
      expect(await story(id)).toEqual([
        ...verifiedOnDay0,
        reminded,
        'day 10: customer.onboarding_started, verification to onboarding by user:1',
        'day 10: customer.activated, onboarding to active by user:1',
      ]);
      const other = await verified();
      await pass(5);
      await run.acme.customers.markChurning(other);
      await pass(20);
      expect(await story(other)).toEqual([
        ...verifiedOnDay0,
        reminded,
        'day 5: customer.churning, verification to churning by user:1',
      ]);
    });

    it('is not who was active before and verifies a telephone later', async () => {
      const id = await verified();
      await run.acme.onboarding.onboard(id, signed);
      await pass(30);
      await verifyPhone(id);
      await pass(30);
      expect(await story(id)).toEqual([
        ...verifiedOnDay0,
        'day 0: customer.onboarding_started, verification to onboarding by user:1',
        'day 0: customer.activated, onboarding to active by user:1',
        'day 30: customer.verified phone by user:1',
      ]);
      expect((await run.acme.customers.get(id)).lifecycleStage).toBe('active');
    });
  });
