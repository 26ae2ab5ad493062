import { setTimeout as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import { defineJourney } from '../../src/journeys/journey.js';
import { expectEvents } from '../../src/testing/expect-events.js';
import { backends } from '../support/backends.js';
import { rig, someone } from '../support/lifecycle.js';

const hour = 3_600_000;
const day = 24 * hour;
const dunning = defineDunningPolicy({
  name: 'standard',
  steps: [
    { afterDays: 0, action: 'warn' },
    { afterDays: 7, action: 'throttle' },
    { afterDays: 14, action: 'suspend' },
    { afterDays: 60, action: 'terminate' },
  ],
});
const welcome = defineJourney({
  name: 'welcome',
  startsOn: ['customer.verified'],
  endsOn: ['customer.activated', 'customer.deactivated'],
  steps: [
    { key: 'remind', afterDays: 3 },
    { key: 'give-up', afterDays: 14, command: 'deactivate', input: { reason: 'never onboarded' } },
  ],
});
const silence = defineJourney({
  name: 'silence',
  startsOn: ['customer.activated'],
  endsOn: ['customer.deactivated', 'customer.churning'],
  steps: [
    { key: 'half-year', afterDays: 182 },
    { key: 'lost', afterDays: 300, command: 'markChurning', when: ({ stage }) => stage === 'active' },
  ],
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a year on ${title}`, () => {
    it('brings every customer exactly the events that dunning and journeys say, and no other', async () => {
      const backend = await create();
      const run = await rig(backend, { dunning: [dunning], journeys: [welcome, silence], sweepMs: 1_000 });
      const { acme, clock } = run;
      const start = clock.now();
      const verified = async (): Promise<string> => {
        const { id } = await acme.customers.register(someone());
        await acme.verification.verify(id, { verificationToken: await run.token(id), verificationType: 'email' });
        return id;
      };
      const [pays, leaves, idle, loyal] = [
        await run.active(),
        await run.active(),
        await verified(),
        await run.active(),
      ];
      const diary: [dayOfYear: number, act: () => Promise<unknown>][] = [
        [20, () => acme.dunning.overdue(pays, { invoiceId: 'jan' })],
        [30, () => acme.dunning.paid(pays, { invoiceId: 'jan' })],
        [100, () => acme.dunning.overdue(pays, { invoiceId: 'apr' })],
        [100, () => acme.dunning.overdue(leaves, { invoiceId: 'apr' })],
        [120, () => acme.dunning.paid(pays)],
        [200, () => acme.suspension.suspend(loyal, { actionType: 'seasonal' })],
        [260, () => acme.suspension.reactivate(loyal, { actionType: 'seasonal' })],
      ];
      /** Goes from one due timer to the next, until a day has come. */
      const goTo = async (dayOfYear: number): Promise<void> => {
        const until = start + dayOfYear * day;
        for (let rounds = 0; ; rounds++) {
          if (rounds > 5_000) throw new Error('A timer that is due is not given.');
          const [next] = await backend.store.dueTimers(until, 1);
          if (!next) break;
          if (next.at > clock.now()) clock.set(next.at);
          await turn(1);
          await clock.advance(1_000);
        }
        clock.set(Math.max(until, clock.now()));
      };
      for (const [dayOfYear, act] of diary) {
        await goTo(dayOfYear);
        await act();
      }
      await goTo(365);

      const became = [
        'customer.registered',
        'customer.verified',
        'customer.onboarding_started',
        'customer.activated',
      ] as const;
      const half = { event: 'journey.step_reached', details: { journey: 'silence', step: 'half-year' } } as const;
      await expectEvents(acme, pays, [
        ...became,
        { event: 'dunning.opened', details: { invoice_id: 'jan' } },
        { event: 'dunning.warned', details: { after_days: 0, invoices: ['jan'] } },
        { event: 'customer.throttled', actor: 'dunning:standard', details: { reason: 'non_payment' } },
        'dunning.closed',
        { event: 'customer.suspension_lifted', details: { lifted: ['non_payment'] } },
        { event: 'dunning.opened', details: { invoice_id: 'apr' } },
        'dunning.warned',
        'customer.throttled',
        { event: 'customer.suspended', details: { from: 'active', to: 'suspended' } },
        'dunning.closed',
        { event: 'customer.reactivated', details: { lifted: ['non_payment'] } },
        half,
        { event: 'customer.churning', actor: 'journey:silence' },
      ]);
      await expectEvents(acme, leaves, [
        ...became,
        'dunning.opened',
        'dunning.warned',
        'customer.throttled',
        'customer.suspended',
        { event: 'customer.deactivated', actor: 'dunning:standard' },
      ]);
      await expectEvents(acme, idle, [
        ...became.slice(0, 2),
        { event: 'journey.step_reached', details: { journey: 'welcome', step: 'remind' } },
        { event: 'customer.deactivated', actor: 'journey:welcome', details: { reason: 'never onboarded' } },
      ]);
      await expectEvents(acme, loyal, [
        ...became,
        half,
        { event: 'customer.suspended', details: { reason: 'seasonal' } },
        'customer.reactivated',
        { event: 'customer.churning', actor: 'journey:silence' },
      ]);
      const dayOf = async (id: string, name: string) => {
        const { items } = await acme.feed.history(id, { types: [name as 'customer.suspended'] });
        return items.map(({ timestamp }) => Math.round((timestamp - start) / day)).reverse();
      };
      expect(await dayOf(pays, 'customer.throttled')).toEqual([27, 107]);
      expect(await dayOf(pays, 'customer.suspended')).toEqual([114]);
      expect(await dayOf(leaves, 'customer.deactivated')).toEqual([160]);
      expect(await dayOf(idle, 'customer.deactivated')).toEqual([14]);
      expect(await dayOf(loyal, 'customer.churning')).toEqual([300]);
      await expect(expectEvents(acme, idle, became.slice(0, 2))).rejects.toThrow('not those that are expected');
      await expect(expectEvents(acme, idle, [...became, ...became])).rejects.toThrow('not those that are expected');
      await run.stop();
      await backend.close();
    }, 120_000);
  });
