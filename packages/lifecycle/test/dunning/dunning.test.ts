import { setTimeout as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { coreErrors } from '@dotmac/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nextStepAt } from '../../src/dunning/case.js';
import { defineDunningPolicy, type DunningPolicyInit } from '../../src/dunning/policy.js';
import { defineJourney } from '../../src/journeys/journey.js';
import { createLifecycle } from '../../src/lifecycle.js';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, until, type Rig } from '../support/lifecycle.js';

const hour = 3_600_000;
const day = 24 * hour;
const standard: DunningPolicyInit = {
  name: 'standard',
  steps: [
    { afterDays: 0, action: 'warn' },
    { afterDays: 7, action: 'throttle' },
    { afterDays: 14, action: 'suspend' },
    { afterDays: 60, action: 'terminate' },
  ],
  exclude: ({ attributes }) => (attributes['hospital'] ? 'hospitals are never cut off' : undefined),
};
/** One that has the reason of the standard one, and one that has its own. */
const rental: DunningPolicyInit = { name: 'rental', steps: [{ afterDays: 3, action: 'suspend' }] };
const fees: DunningPolicyInit = { ...rental, name: 'fees', reason: 'fees' };

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`dunning on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend, { dunning: [standard, rental, fees].map(defineDunningPolicy), sweepMs: 1_000 });
      id = await run.active();
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    /** Lets days go by, six hours at a time, and what falls due in them be done. */
    const pass = async (days: number): Promise<void> => {
      for (let quarter = 0; quarter < days * 4; quarter++) {
        run.clock.set(run.clock.now() + 6 * hour - 2_000);
        const due = async () => (await backend.store.dueTimers(run.clock.now(), { limit: 9 })).items.length;
        await run.clock.advance(2_000);
        for (let round = 0; (await due()) > 0; round++) {
          if (round > 500) throw new Error('A timer that is due is not given.');
          await turn(1);
          await run.clock.advance(1_000);
        }
      }
    };
    /** What happened since the customer was active: days from the beginning, and names. */
    const story = async (): Promise<string[]> => {
      const events = (await backend.store.tenant('acme').history.list(id, { limit: 1_000 })).slice(4);
      return events.map(({ event }) => {
        const days = Math.round((event.at - start) / day);
        const { actor, name } = event;
        return `day ${days}: ${name}${actor === 'user:1' ? '' : ` by ${actor}`}`;
      });
    };
    let start = 0;
    const overdue = (invoiceId: string, overdueSince = run.clock.now()) =>
      run.acme.dunning.overdue(id, { invoiceId, overdueSince, facts: { amount: '29.90' } });

    it('warns, slows down, suspends and terminates, each at its time', async () => {
      start = run.clock.now();
      expect(await overdue('A')).toMatchObject({
        stepsTaken: 0,
        nextStep: { action: 'warn', dueAt: start },
        invoices: [{ invoiceId: 'A', facts: { amount: '29.90' } }],
      });
      expect(await overdue('A')).toMatchObject({ invoices: [{ invoiceId: 'A' }] });
      await pass(70);
      expect(await story()).toEqual([
        'day 0: dunning.opened',
        'day 0: dunning.warned by dunning:standard',
        'day 7: customer.throttled by dunning:standard',
        'day 14: customer.suspended by dunning:standard',
        'day 60: customer.deactivated by dunning:standard',
      ]);
      expect(await run.acme.dunning.get(id)).toMatchObject([{ stepsTaken: 4, nextStep: null }, {}, {}]);
      await run.acme.dunning.paid(id);
      expect((await story()).slice(-2)).toEqual(['day 70: dunning.closed', 'day 70: customer.suspension_lifted']);
      expect(await run.acme.dunning.get(id)).toMatchObject([{ openedAt: null, invoices: [] }, {}, {}]);
    });

    it('gives back what it took once everything is paid, and leaves other reasons open', async () => {
      start = run.clock.now();
      await overdue('A');
      await pass(15);
      await run.acme.suspension.suspend(id, { actionType: 'abuse' });
      await run.acme.dunning.paid(id, { invoiceId: 'A' });
      await pass(60);
      expect(await story()).toEqual([
        'day 0: dunning.opened',
        'day 0: dunning.warned by dunning:standard',
        'day 7: customer.throttled by dunning:standard',
        'day 14: customer.suspended by dunning:standard',
        'day 15: customer.suspension_added',
        'day 15: dunning.closed',
        'day 15: customer.suspension_lifted',
      ]);
      expect((await run.acme.customers.read(id)).blocks.map(({ reason }) => reason)).toEqual(['abuse']);
    });

    it('gives back what several policies took for one reason once the last of their cases is paid', async () => {
      start = run.clock.now();
      await overdue('A');
      for (const policy of ['rental', 'fees']) await run.acme.dunning.overdue(id, { invoiceId: 'R', policy });
      const reasons = async () => (await run.acme.customers.read(id)).blocks.map(({ reason }) => reason).sort();
      await pass(4);
      expect(await reasons()).toEqual(['fees', 'non_payment']);
      await run.acme.dunning.paid(id, { policy: 'rental' });
      expect(await reasons()).toEqual(['fees', 'non_payment']);
      await run.acme.dunning.paid(id);
      expect(await reasons()).toEqual(['fees']);
      await run.acme.dunning.paid(id, { policy: 'fees' });
      expect(await run.acme.customers.read(id)).toMatchObject({ stage: 'active', blocks: [] });
    });

    it('takes no step while payment is promised, and each of them when it was not kept', async () => {
      start = run.clock.now();
      await overdue('A');
      await pass(8);
      const promise = (untilDay: number) =>
        run.acme.suspension.promise(id, { actionType: 'non_payment', until: start + untilDay * day });
      const now = async () => {
        const { stage, blocks } = await run.acme.customers.read(id);
        return [
          stage,
          ...blocks.map(({ severity, promisedUntil }) => [severity, promisedUntil && promisedUntil - start]),
        ];
      };
      await promise(30);
      await pass(21);
      expect(await now()).toEqual(['active', ['throttle', 30 * day]]);
      await pass(3);
      expect(await now()).toEqual(['suspended', ['suspend', null]]);
      await promise(80);
      await pass(46);
      expect(await now()).toEqual(['active', ['suspend', 80 * day]]);
      await pass(4);
      expect((await now())[0]).toBe('inactive');
      const happenings = await story();
      expect(happenings.filter((it) => it.includes('dunning.held'))).toEqual([
        'day 14: dunning.held by dunning:standard',
        'day 60: dunning.held by dunning:standard',
      ]);
      for (const step of ['day 30: customer.suspended', 'day 80: customer.deactivated'])
        expect(happenings).toContain(`${step} by dunning:standard`);
    });

    it('says once that a promise holds a step, whatever is owed and paid meanwhile', async () => {
      start = run.clock.now();
      await overdue('A');
      await pass(8);
      await run.acme.suspension.promise(id, { actionType: 'non_payment', until: start + 30 * day });
      await pass(8);
      await overdue('B');
      await pass(1);
      await run.acme.dunning.paid(id, { invoiceId: 'B' });
      await pass(1);
      await overdue('C');
      await pass(14);
      const happenings = await story();
      for (const told of ['day 16: dunning.invoice_added', 'day 17: dunning.invoice_paid'])
        expect(happenings).toContain(told);
      expect(happenings.filter((it) => it.includes('dunning.held'))).toEqual([
        'day 14: dunning.held by dunning:standard',
      ]);
      expect(happenings).toContain('day 30: customer.suspended by dunning:standard');
    });

    it('shows when a step truly has its turn, and what it is held by', async () => {
      start = run.clock.now();
      await overdue('A');
      await pass(8);
      const next = async () => (await run.acme.dunning.get(id))[0]?.nextStep;
      const promise = (untilDay: number) =>
        run.acme.suspension.promise(id, { actionType: 'non_payment', until: start + untilDay * day });
      const asPlanned = { action: 'suspend', dueAt: start + 14 * day, held: null };
      expect(await next()).toEqual(asPlanned);
      await promise(13);
      expect(await next()).toEqual(asPlanned);
      const until = start + 30 * day;
      const held = { action: 'suspend', dueAt: until, held: { by: 'promise', reason: 'Payment is promised', until } };
      await promise(30);
      expect(await next()).toEqual(held);
      await pass(8);
      expect(await next()).toEqual(held);
      expect(await overdue('A')).toMatchObject({ nextStep: held });
      await run.acme.suspension.endPromise(id);
      const [timer] = await run.acme.timers.list(id);
      expect(await next()).toEqual({ action: 'suspend', dueAt: timer?.dueAt, held: null });
    });

    it('counts from the oldest invoice that is left, and takes no step twice', async () => {
      start = run.clock.now();
      await overdue('A');
      await pass(5);
      await overdue('B');
      await pass(5);
      await run.acme.dunning.paid(id, { invoiceId: 'A' });
      await pass(15);
      expect(await story()).toEqual([
        'day 0: dunning.opened',
        'day 0: dunning.warned by dunning:standard',
        'day 5: dunning.invoice_added',
        'day 7: customer.throttled by dunning:standard',
        'day 10: dunning.invoice_paid',
        'day 19: customer.suspended by dunning:standard',
      ]);
    });

    it('passes no step over when billing is late, and leaves a day between them', async () => {
      start = run.clock.now();
      await overdue('A', start - 20 * day);
      await pass(4);
      expect(await story()).toEqual([
        'day 0: dunning.opened',
        'day 0: dunning.warned by dunning:standard',
        'day 1: customer.throttled by dunning:standard',
        'day 2: customer.suspended by dunning:standard',
      ]);
    });

    it('goes on to the next step when one is not legal', async () => {
      start = run.clock.now();
      await run.acme.suspension.suspend(id, { actionType: 'non_payment' });
      await overdue('A');
      await pass(15);
      expect(await story()).toEqual([
        'day 0: customer.suspended',
        'day 0: dunning.opened',
        'day 0: dunning.warned by dunning:standard',
        'day 7: dunning.step_skipped by dunning:standard',
        'day 14: dunning.step_skipped by dunning:standard',
      ]);
    });

    it('goes on to the next step when the host does not have it', async () => {
      await run.stop();
      const veto = coreErrors.PERMISSION_DENIED({ permission: 'lifecycle:write' });
      const hooks = { 'customer.throttle': { before: () => Promise.reject(veto) } };
      run = await rig(backend, { dunning: [defineDunningPolicy(standard)], sweepMs: 1_000, hooks });
      start = run.clock.now();
      await overdue('A');
      await pass(15);
      expect(await story()).toEqual([
        'day 0: dunning.opened',
        'day 0: dunning.warned by dunning:standard',
        'day 7: dunning.step_skipped by dunning:standard',
        'day 14: customer.suspended by dunning:standard',
      ]);
    });

    it('waits for code that knows its policy, and keeps nobody else waiting meanwhile', async () => {
      await run.stop();
      const other = defineDunningPolicy({ ...standard, name: 'other' });
      run = await rig(backend, { dunning: [other], sweepMs: 1_000 });
      await overdue('A');
      await run.stop();
      run = await rig(backend, { dunning: [], sweepMs: 1_000 });
      // Looked at, it is out of the way of those that come after it in the order of their times.
      await until(
        async () => (await backend.store.dueTimers(run.clock.now(), { limit: 9 })).items.length === 0,
        run.clock,
      );
      expect(await run.acme.timers.list(id)).toMatchObject([{ name: 'dunning:other' }]);
      await run.stop();
      run = await rig(backend, { dunning: [other], sweepMs: 1_000 });
      await until(async () => (await run.acme.dunning.get(id))[0]?.stepsTaken === 1, run.clock, 10_000);
    });

    it('is another tenant’s business no more than anything else', async () => {
      await expect(run.other.dunning.overdue(id, { invoiceId: 'A' })).rejects.toMatchObject({
        code: 'CUSTOMER_NOT_FOUND',
      });
      await expect(run.other.dunning.paid(id)).rejects.toMatchObject({ code: 'CUSTOMER_NOT_FOUND' });
      await expect(run.acme.dunning.overdue(id, { invoiceId: 'A', policy: 'x' })).rejects.toMatchObject({
        code: 'DUNNING_POLICY_NOT_FOUND',
      });
      expect(await run.acme.dunning.paid(id)).toMatchObject({ openedAt: null });
    });
  });

it('two policies, or two journeys, of one name are refused', () => {
  const policies = [standard, { ...rental, name: 'standard' }].map(defineDunningPolicy);
  const journey = defineJourney({
    name: 'welcome',
    startsOn: ['customer.verified'],
    steps: [{ key: 'a', afterDays: 1 }],
  });
  const store = memoryLifecycleStore();
  const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('two are named') as string };
  for (const twice of [{ dunning: policies }, { journeys: [journey, journey] }])
    expect(() => createLifecycle({ store, ...twice })).toThrow(expect.objectContaining(refused));
});

it('a customer that is excluded is left alone for a day at a time, and the history says so', async () => {
  const [memory] = backends;
  const backend = await (memory ?? expect.unreachable()).create();
  let isHospital = true;
  const exclude = () => (isHospital ? 'hospitals are never cut off' : undefined);
  const run = await rig(backend, { dunning: [defineDunningPolicy({ ...standard, exclude })], sweepMs: 1_000 });
  const id = await run.active();
  await run.acme.dunning.overdue(id, { invoiceId: 'A' });
  const names = async () => (await run.acme.customers.summary(id)).lifecycleEvents.map(({ eventType }) => eventType);
  await until(async () => (await names()).includes('dunning.held'), run.clock, 1_000);
  expect(await names()).not.toContain('dunning.warned');
  const [{ dueAt } = { dueAt: 0 }] = await run.acme.timers.list(id);
  expect((await run.acme.dunning.get(id))[0]?.nextStep).toEqual({
    action: 'warn',
    dueAt,
    held: { by: 'exclusion', reason: 'hospitals are never cut off', until: null },
  });
  isHospital = false;
  run.clock.set(run.clock.now() + day);
  await until(async () => (await names()).includes('dunning.warned'), run.clock, 1_000);
  expect((await names()).filter((name) => name === 'dunning.held')).toHaveLength(1);
  await run.stop();
});

it('a customer of whom it cannot be told whether it is excluded is asked about for hours, and left alone for a day', async () => {
  const [memory] = backends;
  const backend = await (memory ?? expect.unreachable()).create();
  let [isBroken, asked] = [true, 0];
  const exclude = () => {
    asked += 1;
    if (isBroken) throw new Error('the attribute is not what it was');
    return undefined;
  };
  const run = await rig(backend, { dunning: [defineDunningPolicy({ ...standard, exclude })], sweepMs: 600_000 });
  const id = await run.active();
  await run.acme.dunning.overdue(id, { invoiceId: 'A' });
  asked = 0;
  const events = async () => (await run.acme.customers.summary(id)).lifecycleEvents;
  const held = async () => (await events()).filter(({ eventType }) => eventType === 'dunning.held');
  await until(async () => (await held()).length === 1, run.clock, 60_000);
  expect(asked).toBe(10);
  expect((await held())[0]?.details).toMatchObject({ reason: expect.stringContaining('could not be asked') });
  expect((await run.acme.dunning.get(id))[0]).toMatchObject({ stepsTaken: 0 });
  isBroken = false;
  run.clock.set(run.clock.now() + day);
  const names = async () => (await events()).map(({ eventType }) => eventType);
  await until(async () => (await names()).includes('dunning.warned'), run.clock, 60_000);
  await run.stop();
});

describe('the time of the next step', () => {
  const policy = defineDunningPolicy(standard);

  it('is never before the step’s day, nor within the gap, whatever was paid and when', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 0, max: 4 }),
        fc.option(fc.integer({ min: 0, max: 400 })),
        (since, stepsTaken, last) => {
          const invoices = since.map((days, index) => ({
            invoiceId: String(index),
            overdueSince: days * day,
            facts: {},
          }));
          const lastStepAt = last === null ? null : last * day;
          const at = nextStepAt(policy, { invoices, stepsTaken, lastStepAt });
          const step = policy.steps[stepsTaken];
          if (!step) {
            expect(at).toBeUndefined();
            return;
          }
          const anchored = (Math.min(...since) + step.afterDays) * day;
          expect(at).toBe(lastStepAt === null ? anchored : Math.max(anchored, lastStepAt + day));
        },
      ),
    );
  });

  it.each([
    [{ name: 'x', steps: [] }],
    [{ name: 'a b', steps: standard.steps }],
    [
      {
        name: 'x',
        steps: [
          { afterDays: 3, action: 'suspend' as const },
          { afterDays: 3, action: 'terminate' as const },
        ],
      },
    ],
    [
      {
        name: 'x',
        steps: [
          { afterDays: 3, action: 'suspend' as const },
          { afterDays: 9, action: 'warn' as const },
        ],
      },
    ],
    [{ name: 'x', steps: [{ afterDays: Number.NaN, action: 'warn' as const }] }],
    [{ name: 'x', steps: [{ afterDays: 1e9, action: 'warn' as const }] }],
    [{ ...standard, leastGapHours: Infinity }],
    [{ ...standard, reason: 'suspend' }],
    [{ ...standard, reason: 'suspension' }],
    [{ ...standard, reason: 'reactivate' }],
    [{ ...standard, reason: 'reactivation' }],
    [{ ...standard, reason: 'all' }],
  ])('of a policy that makes no sense is not asked: %j', (init) => {
    expect(() => defineDunningPolicy(init)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
