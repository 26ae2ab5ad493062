import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import { defineJourney } from '../../src/journeys/journey.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, type Rig } from '../support/lifecycle.js';
import { passDays } from '../support/pass-days.js';

const day = 24 * 3_600_000;
const policy = defineDunningPolicy({
  name: 'standard',
  steps: [
    { afterDays: 0, action: 'warn' },
    { afterDays: 7, action: 'throttle' },
    { afterDays: 14, action: 'suspend' },
    { afterDays: 20, action: 'terminate' },
  ],
});
const unheard = defineJourney({
  name: 'unheard',
  startsOn: ['customer.verified'],
  endsOn: ['customer.onboarding_started'],
  steps: [{ key: 'lost', afterDays: 10, command: 'markChurning', input: { reason: 'never onboarded' } }],
});

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`dunning of a customer who was verified and never active, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    let start: number;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { dunning: [policy], journeys: [unheard], sweepMs: 1_000 });
      ({ id } = await run.acme.customers.register(someone()));
      const verificationToken = await run.token(id);
      await run.acme.verification.verify(id, { verificationToken, verificationType: 'email' });
      start = run.clock.now();
      await run.acme.dunning.overdue(id, { invoiceId: 'set-up fee' });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const story = async (): Promise<string[]> => {
      const events = await backend.store.tenant('acme').history.list(id, { limit: 1_000 });
      return events.map(({ event: { name, at, actor, data } }) => {
        const step = 'action' in data ? ` (${String(data.action)})` : '';
        return `day ${Math.max(0, Math.floor((at - start) / day))}: ${name}${step}${actor === 'user:1' ? '' : ` by ${actor}`}`;
      });
    };
    const before = ['day 0: customer.registered', 'day 0: customer.verified', 'day 0: dunning.opened'];
    const warned = 'day 0: dunning.warned (warn) by dunning:standard';
    const passedOver = (after: number, action: string): string =>
      `day ${after}: dunning.step_skipped (${action}) by dunning:standard`;

    it('warns it, passes over what would cut off what it never had, and ends with it', async () => {
      await passDays(25, backend, run);
      expect(await story()).toEqual([
        ...before,
        warned,
        passedOver(7, 'throttle'),
        'day 10: customer.churning by journey:unheard',
        passedOver(14, 'suspend'),
        'day 20: customer.deactivated by dunning:standard',
      ]);
      const customer = await run.acme.customers.get(id);
      expect(customer).toMatchObject({ lifecycleStage: 'inactive', status: 'inactive' });
    });

    it('lets it pay while it churns, and be won back for the onboarding that it never had', async () => {
      await passDays(15, backend, run);
      expect(await run.acme.customers.get(id)).toMatchObject({ lifecycleStage: 'churning', status: 'pending' });
      await run.acme.dunning.paid(id, { invoiceId: 'set-up fee' });
      await run.acme.customers.winBack(id);
      await passDays(10, backend, run);
      expect(await story()).toEqual([
        ...before,
        warned,
        passedOver(7, 'throttle'),
        'day 10: customer.churning by journey:unheard',
        passedOver(14, 'suspend'),
        'day 15: dunning.closed',
        'day 15: customer.won_back',
      ]);
      expect(await run.acme.customers.get(id)).toMatchObject({ lifecycleStage: 'onboarding' });
    });
  });
