import { afterEach, describe, expect, it } from 'vitest';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import { defineJourney } from '../../src/journeys/journey.js';
import type { LifecycleOptions } from '../../src/options.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const day = 24 * 3_600_000;
const sweepMs = 1_000;

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a customer who changes while a hook on its deactivation is asked, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    /** Begins with what deactivates; the hook on that is told what changes meanwhile, the first time. */
    const begin = async (
      options: Pick<LifecycleOptions, 'dunning' | 'journeys'>,
      attributes: Record<string, unknown>,
    ): Promise<void> => {
      backend = await create();
      let asked = 0;
      const before = async ({ input: { customerId } }: { input: { customerId: string } }): Promise<void> => {
        if (asked++ === 0) await run.acme.customers.update(customerId, { attributes });
      };
      const hooks = { 'customer.deactivate': { before } };
      // A hook of a busy machine has the time that it takes: the clock runs ahead of it.
      run = await rig(backend, { ...options, sweepMs, hookTimeoutMs: 10 * day, hooks });
      id = await run.active();
    };
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const stage = async () => (await run.acme.customers.get(id)).lifecycleStage;
    /** What fails is tried for hours, in which everything else of the process would look for work, second after second. */
    const passOverWaits = async (): Promise<void> => {
      const now = run.clock.now();
      const [next] = (await backend.store.dueTimers(now + day, { limit: 1 })).items;
      if (next && next.at > now) run.clock.set(next.at);
    };
    /** What happened since the customer was active, once one of these has. */
    const story = async (...ends: string[]): Promise<string[]> => {
      const names = async () => (await run.acme.customers.summary(id)).lifecycleEvents.map((it) => it.eventType);
      await until(
        async () => {
          await passOverWaits();
          return (await names()).some((name) => ends.includes(name));
        },
        run.clock,
        sweepMs,
      );
      const all = await names();
      return all.slice(all.lastIndexOf('customer.activated') + 1);
    };

    const broken = (): never => {
      throw new Error('cannot read properties of undefined');
    };

    it.each([
      ['who is excluded since', () => 'hospitals are never cut off'],
      ['of whom it cannot be told any more whether it is excluded', broken],
    ])('and %s is left alone by dunning', async (_, judge) => {
      const policy = defineDunningPolicy({
        name: 'standard',
        steps: [{ afterDays: 0, action: 'terminate' }],
        exclude: ({ attributes }) => (attributes['hospital'] ? judge() : undefined),
      });
      await begin({ dunning: [policy] }, { hospital: true });
      await run.acme.dunning.overdue(id, { invoiceId: 'A' });
      const told = await story('dunning.held', 'customer.deactivated');
      expect(told).toEqual(['dunning.opened', 'customer.updated', 'dunning.held']);
      expect(await stage()).toBe('active');
      expect(await run.acme.dunning.get(id)).toMatchObject([{ stepsTaken: 0, invoices: [{ invoiceId: 'A' }] }]);
    });

    it.each([
      ['for whom a step of a journey is not meant any more is passed by', () => false, 'journey.step_reached'],
      ['of whom that cannot be told any more leaves the journey as it is', broken, 'journey.failed'],
    ])('and %s', async (_, judge, end) => {
      const journey = defineJourney({
        name: 'quiet',
        startsOn: ['customer.activated'],
        steps: [
          {
            key: 'lost',
            afterDays: 0,
            when: ({ attributes }) => (attributes['isBack'] ? judge() : true),
            command: 'deactivate',
          },
          { key: 'after', afterDays: 0 },
        ],
      });
      await begin({ journeys: [journey] }, { isBack: true });
      expect(await story('journey.step_reached', 'journey.failed')).toEqual(['customer.updated', end]);
      expect(await stage()).toBe('active');
      expect(await run.acme.timers.list(id)).toEqual([]);
    });
  });
