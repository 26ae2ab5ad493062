import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defineDunningPolicy } from '../src/dunning/policy.js';
import { defineJourney } from '../src/journeys/journey.js';
import type { ServiceStep } from '../src/provisioning/definition.js';
import { defineServiceTemplate } from '../src/provisioning/template.js';
import { backends, type Backend } from './support/backends.js';
import { rig, someone, until, type Rig } from './support/lifecycle.js';

const day = 24 * 3_600_000;
const template = (name: string, step: ServiceStep) =>
  defineServiceTemplate({ name, config: z.object({}), steps: [step] });

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`times that are no whole milliseconds, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeEach(async () => {
      backend = await create();
      const templates = [
        template('waits', { key: 'rest', waitMs: () => 1.5 }),
        template('is-approved', { key: 'boss', approval: { expiresInMs: 1.5 } }),
        template('is-completed', { key: 'technician', run: () => undefined, completion: { timeoutMs: 1.5 } }),
      ];
      const next = () => 'first';
      const journeys = [
        defineJourney({
          name: 'week',
          startsOn: ['customer.verified'],
          steps: [
            { key: 'first', afterDays: 1 / 7 },
            { key: 'second', afterDays: 2 / 7, next },
          ],
          leastGapHours: 1 / 7,
        }),
      ];
      const dunning = [
        defineDunningPolicy({
          name: 'standard',
          steps: [
            { afterDays: 1 / 7, action: 'warn' },
            { afterDays: 2 / 7, action: 'throttle' },
          ],
          leastGapHours: 24 / 7,
        }),
      ];
      run = await rig(backend, {
        templates,
        journeys,
        dunning,
        idempotencyRetentionSeconds: 1 / 7,
        keptDays: { bulk: 8 / 7, parked: 8 / 7 },
        webhooks: { keepDays: 8 / 7 },
      });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    it.each([
      ['waits', 'completed'],
      ['is-approved', 'failed'],
      ['is-completed', 'failed'],
    ])('are waited for by a step that %s', async (serviceName, end) => {
      const { id } = await run.acme.services.request(await run.active(), { serviceName });
      const shown = () => run.acme.provisioning.get(id);
      await until(async () => (await shown()).runStatus === 'waiting', run.clock, 0);
      const stored = await backend.store.tenant('acme').runs.get(id);
      expect(stored?.nextAt).toBe(run.clock.now() + 2);
      await until(async () => (await shown()).runStatus === end, run.clock);
    });

    const dueAt = async (id: string) => (await run.acme.timers.list(id))[0]?.dueAt;
    /** Lets time pass until the timer that is there has been given. */
    const given = async (id: string) => {
      const before = await dueAt(id);
      if (before !== undefined) run.clock.set(before);
      await until(async () => (await dueAt(id)) !== before, run.clock, 1_000);
    };

    it('pass before the steps of a journey', async () => {
      const { id } = await run.acme.customers.register(someone());
      const verificationToken = await run.token(id);
      await run.acme.verification.verify(id, { verificationToken, verificationType: 'email' });
      const start = run.clock.now();
      expect(await dueAt(id)).toBe(start + Math.ceil(day / 7));
      await given(id);
      expect(await dueAt(id)).toBe(start + Math.ceil((2 * day) / 7));
      await given(id);
      // Another round, counted from here.
      await given(id);
      expect(Number.isInteger(await dueAt(id))).toBe(true);
    });

    it('pass before the steps of dunning, and since an invoice became overdue', async () => {
      const { id } = await run.acme.customers.register(someone());
      const overdueSince = run.clock.now() - 0.5;
      await run.acme.dunning.overdue(id, { invoiceId: '1', overdueSince });
      expect(await dueAt(id)).toBe(Math.floor(overdueSince) + Math.ceil(day / 7));
      await given(id);
      expect(Number.isInteger(await dueAt(id))).toBe(true);
    });

    it('pass before an answer is forgotten, and what is over is deleted', async () => {
      const { store } = backend;
      const pruned = [vi.spyOn(store, 'pruneBulk'), vi.spyOn(store, 'pruneDeliveries')];
      const prunedParked = vi.spyOn(store.outbox, 'pruneParked');
      const asked = someone();
      const once = { idempotencyKey: 'once' };
      const { id } = await run.acme.customers.register(asked, once);
      expect(await run.acme.customers.register(asked, once)).toMatchObject({ id });
      await run.clock.advance(day / 24);
      await until(() => prunedParked.mock.calls.length > 0, run.clock, 10_000);
      await until(() => pruned.every(({ mock }) => mock.calls.length > 0), run.clock, 10_000);
      for (const { mock } of pruned) expect(mock.calls.every(([before]) => Number.isInteger(before))).toBe(true);
      expect(prunedParked.mock.calls.every(([{ before }]) => Number.isInteger(before))).toBe(true);
    });
  });
