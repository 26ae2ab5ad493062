import { setTimeout as turn } from 'node:timers/promises';
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import type { Customer, RegistrationDraft } from '../../src/customers/customer.js';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import type { CustomerEvent } from '../../src/feed/event.js';
import { defineJourney } from '../../src/journeys/journey.js';
import type { LifecycleScope } from '../../src/scope.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { expectEvents } from '../../src/testing/expect-events.js';
import { backends } from '../support/backends.js';
import { rig, someone, type Rig } from '../support/lifecycle.js';

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
  exclude: ({ attributes }) => (attributes['hospital'] ? 'hospitals are never cut off' : undefined),
});
const isNew = ({ stage }: Customer): boolean => stage === 'verification' || stage === 'onboarding';
const welcome = defineJourney({
  name: 'welcome',
  startsOn: ['customer.verified'],
  endsOn: ['customer.activated', 'customer.deactivated'],
  when: isNew,
  steps: [
    { key: 'remind', afterDays: 3 },
    { key: 'give-up', afterDays: 14, when: isNew, command: 'deactivate', input: { reason: 'never onboarded' } },
  ],
});
/** Counted anew with every sign of life. */
const silence = defineJourney({
  name: 'silence',
  startsOn: ['customer.activated', 'customer.won_back'],
  restartsOn: ['customer.updated', 'customer.reactivated'],
  endsOn: ['customer.deactivated', 'customer.churning'],
  steps: [
    { key: 'half-year', afterDays: 182 },
    { key: 'lost', afterDays: 300, command: 'markChurning', when: ({ stage }) => stage === 'active' },
  ],
});
const offers = defineJourney({
  name: 'offers',
  startsOn: ['customer.activated'],
  endsOn: ['customer.deactivated', 'service.requested'],
  steps: [
    { key: 'ask', afterDays: 30, next: ({ marketingConsent }) => (marketingConsent ? 'offer' : 'end') },
    { key: 'unused', afterDays: 31 },
    { key: 'offer', afterDays: 60, when: ({ userType }) => userType === 'residential' },
    { key: 'again', afterDays: 90 },
  ],
});
const farewell = defineJourney({
  name: 'farewell',
  startsOn: ['customer.churning'],
  endsOn: ['customer.won_back', 'customer.deactivated'],
  steps: [
    { key: 'call', afterDays: 7 },
    // Who was suspended meanwhile, and paid, is active without having been won back.
    {
      key: 'let-go',
      afterDays: 30,
      when: ({ stage }) => stage === 'churning',
      command: 'deactivate',
      input: { reason: 'did not come back' },
    },
  ],
});
const step = { key: 'network', run: () => undefined };
const internet = defineServiceTemplate({
  name: 'internet',
  config: z.object({}),
  steps: [step],
  operations: { throttle: [step], suspend: [step], resume: [step], deprovision: [step] },
});

interface Act {
  (scope: LifecycleScope, id: string, now: number, token: Rig['token']): Promise<unknown>;
}

/** What somebody does in the year, and what becomes of it, to the last event. */
interface Life {
  who: string;
  more?: Partial<RegistrationDraft>;
  /** Verified and never onboarded. */
  isIdle?: true;
  diary?: readonly [dayOfYear: number, act: Act][];
  story: readonly string[];
}

const owes =
  (invoiceId: string): Act =>
  ({ dunning: cases }, id) =>
    cases.overdue(id, { invoiceId });
const pays: Act = ({ dunning: cases }, id) => cases.paid(id);
const promisesFor =
  (days: number): Act =>
  ({ suspension }, id, now) =>
    suspension.promise(id, { actionType: 'non_payment', until: now + days * day });
const promises = promisesFor(7);
const addsTelephone: Act = async ({ customers, verification }, id, _, token) => {
  await customers.update(id, { phone: '+4930901820' });
  await verification.verify(id, { verificationToken: await token(id, 'phone'), verificationType: 'phone' });
};

const verified = ['0: customer.registered', '0: customer.verified'];
const became = [...verified, '0: customer.onboarding_started', '0: customer.activated'];
const asked = '30: journey.step_reached ask by journey:offers';
const halfYear = (dayOfYear: number): string => `${dayOfYear}: journey.step_reached half-year by journey:silence`;
/** Nobody heard of them, and nobody does. */
const lost = [
  halfYear(182),
  '300: customer.churning by journey:silence',
  '307: journey.step_reached call by journey:farewell',
  '330: customer.deactivated did not come back by journey:farewell',
];
/** Suspended for what was not paid, from the day on that it was owed. */
const suspended = (from: number, invoice: string): string[] => [
  `${from}: dunning.opened ${invoice}`,
  `${from}: dunning.warned warn by dunning:standard`,
  `${from + 7}: customer.throttled non_payment by dunning:standard`,
  `${from + 14}: customer.suspended non_payment by dunning:standard`,
];

const lives: readonly Life[] = [
  {
    who: 'pays late twice, in time the first time',
    diary: [
      [20, owes('jan')],
      [29, pays],
      [100, owes('apr')],
      [120, pays],
    ],
    story: [
      ...became,
      ...suspended(20, 'jan').slice(0, 3),
      '29: dunning.closed',
      '29: customer.suspension_lifted non_payment non_payment',
      asked,
      ...suspended(100, 'apr'),
      '120: dunning.closed',
      '120: customer.reactivated non_payment non_payment',
      halfYear(302),
    ],
  },
  {
    who: 'keeps a promise',
    diary: [
      [40, owes('feb')],
      [55, promises],
      [60, pays],
    ],
    story: [
      ...became,
      asked,
      ...suspended(40, 'feb'),
      '55: customer.promised non_payment',
      '60: dunning.closed',
      '60: customer.suspension_lifted non_payment non_payment',
      ...lost,
    ],
  },
  {
    who: 'breaks a promise',
    diary: [
      [40, owes('feb')],
      [55, promises],
      [90, pays],
    ],
    story: [
      ...became,
      asked,
      ...suspended(40, 'feb'),
      '55: customer.promised non_payment',
      '62: customer.promise_ended non_payment by timer:promise:non_payment',
      '90: dunning.closed',
      '90: customer.reactivated non_payment non_payment',
      halfYear(272),
    ],
  },
  {
    who: 'promises for longer than until the next step, and pays',
    diary: [
      [40, owes('feb')],
      [50, promisesFor(20)],
      [65, pays],
    ],
    story: [
      ...became,
      asked,
      ...suspended(40, 'feb').slice(0, 3),
      '50: customer.promised non_payment',
      '54: dunning.held Payment is promised by dunning:standard',
      '65: dunning.closed',
      '65: customer.suspension_lifted non_payment non_payment',
      ...lost,
    ],
  },
  {
    who: 'promises for longer than until the next step, and thinks better of it',
    diary: [
      [40, owes('feb')],
      [50, promisesFor(20)],
      [60.5, ({ suspension }, id) => suspension.endPromise(id)],
      [90, pays],
    ],
    story: [
      ...became,
      asked,
      ...suspended(40, 'feb').slice(0, 3),
      '50: customer.promised non_payment',
      '54: dunning.held Payment is promised by dunning:standard',
      '60.5: customer.promise_ended non_payment',
      '61: customer.suspended non_payment by dunning:standard',
      '90: dunning.closed',
      '90: customer.reactivated non_payment non_payment',
      halfYear(272),
    ],
  },
  {
    who: 'is excluded from dunning',
    more: { attributes: { hospital: true } },
    diary: [
      [40, owes('feb')],
      [43.5, pays],
    ],
    story: [
      ...became,
      asked,
      '40: dunning.opened feb',
      ...[40, 41, 42, 43].map((it) => `${it}: dunning.held hospitals are never cut off by dunning:standard`),
      '43.5: dunning.closed',
      ...lost,
    ],
  },
  {
    who: 'has a service, and never pays',
    diary: [
      [10, ({ services }, id) => services.request(id, { serviceName: 'internet' })],
      [100, owes('apr')],
      [110, owes('may')],
    ],
    story: [
      ...became,
      // The goal of the offers.
      '10: service.requested provision',
      '10: service.provisioned provision',
      ...suspended(100, 'apr').slice(0, 3),
      '107: service.operation_started throttle by dunning:standard',
      '107: service.throttled throttle by dunning:standard',
      '110: dunning.invoice_added may',
      ...suspended(100, 'apr').slice(3),
      '114: service.operation_started suspend by dunning:standard',
      '114: service.suspended suspend by dunning:standard',
      '160: customer.deactivated not paid for 60 days by dunning:standard',
      '160: service.operation_started deprovision by dunning:standard',
      '160: service.terminated deprovision by dunning:standard',
    ],
  },
  {
    who: 'verifies, and never onboards',
    isIdle: true,
    story: [
      ...verified,
      '3: journey.step_reached remind by journey:welcome',
      '14: customer.deactivated never onboarded by journey:welcome',
    ],
  },
  {
    who: 'verifies a telephone when it is active already',
    diary: [[100, addsTelephone]],
    story: [...became, asked, '100: customer.updated', '100: customer.verified', halfYear(282)],
  },
  {
    who: 'leaves, owes, pays, and so stays',
    diary: [
      [100, ({ customers }, id) => customers.markChurning(id, { reason: 'moving' })],
      [110, ({ suspension }, id) => suspension.suspend(id, { actionType: 'non_payment' })],
      [112, ({ suspension }, id) => suspension.reactivate(id, { actionType: 'non_payment' })],
    ],
    story: [
      ...became,
      asked,
      '100: customer.churning moving',
      '107: journey.step_reached call by journey:farewell',
      '110: customer.suspended non_payment',
      '112: customer.reactivated non_payment non_payment',
    ],
  },
  {
    who: 'leaves, and comes back',
    diary: [
      [100, ({ customers }, id) => customers.markChurning(id, { reason: 'moving' })],
      [110, ({ customers }, id) => customers.winBack(id)],
    ],
    story: [
      ...became,
      asked,
      '100: customer.churning moving',
      '107: journey.step_reached call by journey:farewell',
      '110: customer.won_back',
      halfYear(292),
    ],
  },
  {
    who: 'leaves',
    diary: [[100, ({ customers }, id) => customers.markChurning(id, { reason: 'moving' })]],
    story: [
      ...became,
      asked,
      '100: customer.churning moving',
      '107: journey.step_reached call by journey:farewell',
      '130: customer.deactivated did not come back by journey:farewell',
    ],
  },
  {
    who: 'takes offers, and is heard of',
    more: { marketingConsent: true },
    diary: [[150, ({ customers }, id) => customers.update(id, { firstName: 'Z' })]],
    story: [
      ...became,
      asked,
      '60: journey.step_reached offer by journey:offers',
      '90: journey.step_reached again by journey:offers',
      '150: customer.updated',
      halfYear(332),
    ],
  },
  {
    who: 'is of a kind that one offer is not for, and pauses for a season',
    more: { marketingConsent: true, userType: 'business' },
    diary: [
      [200, ({ suspension }, id) => suspension.suspend(id, { actionType: 'seasonal' })],
      [260, ({ suspension }, id) => suspension.reactivate(id, { actionType: 'seasonal' })],
    ],
    story: [
      ...became,
      asked,
      '90: journey.step_reached again by journey:offers',
      halfYear(182),
      '200: customer.suspended seasonal',
      '260: customer.reactivated seasonal seasonal',
    ],
  },
];

/** An event as a line: the day, what it is, what tells it from others of its kind, and who did it. */
function lineOf({ eventType, timestamp, actor, details }: CustomerEvent, start: number): string {
  const { journey, step: key, action, invoice_id: invoice, reason, reasons, lifted, operation } = details;
  const told = [journey && key, action, invoice, reason, reasons, lifted, operation].filter(Boolean);
  const by = actor === 'user:1' ? '' : ` by ${actor}`;
  return `${Math.round((10 * (timestamp - start)) / day) / 10}: ${[eventType, ...told].join(' ')}${by}`;
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a year on ${title}`, () => {
    it('brings every customer exactly the events that dunning and journeys say, and no other', async () => {
      const backend = await create();
      const options = { dunning: [dunning], journeys: [welcome, silence, offers, farewell], templates: [internet] };
      const run = await rig(backend, { ...options, sweepMs: 1_000 });
      const { acme, clock } = run;
      const { store } = backend;
      const start = clock.now();
      const ids: string[] = [];
      for (const { more, isIdle } of lives) {
        const { id } = await acme.customers.register({ ...someone(), ...more });
        await acme.verification.verify(id, { verificationToken: await run.token(id), verificationType: 'email' });
        if (!isIdle) await acme.onboarding.onboard(id);
        ids.push(id);
      }
      const diary = lives
        .flatMap(({ diary: own = [] }, index) =>
          own.map(([dayOfYear, act]) => ({ dayOfYear, act, id: ids[index] ?? '' })),
        )
        .sort((a, b) => a.dayOfYear - b.dayOfYear);
      /** Goes from one due timer to the next, and lets runs end, until a day has come. */
      const goTo = async (dayOfYear: number): Promise<void> => {
        const until = start + dayOfYear * day;
        for (let rounds = 0; ; rounds++) {
          if (rounds > 20_000) throw new Error('What is due is not done.');
          // A timer begins runs before it is gone, and a run sets timers before it has ended; a run may pause between two tries.
          const [before] = (await store.dueTimers(until, { limit: 1 })).items;
          const [busy] = (await store.dueRuns(clock.now() + hour, { limit: 1 })).items;
          const [next] = busy ? [] : (await store.dueTimers(until, { limit: 1 })).items;
          const isQuiet = !busy && before?.key === next?.key;
          if (isQuiet && !next) break;
          if (isQuiet && next && next.at > clock.now()) clock.set(next.at);
          await turn(1);
          await clock.advance(1_000);
        }
        clock.set(Math.max(until, clock.now()));
      };
      for (const { dayOfYear, act, id } of diary) {
        await goTo(dayOfYear);
        await act(acme, id, clock.now(), run.token);
      }
      await goTo(365);

      const storyOf = async (id: string): Promise<string[]> => {
        const { items } = await acme.feed.history(id, { limit: 500 });
        return items.reverse().map((event) => lineOf(event, start));
      };
      const stories = Object.fromEntries(
        await Promise.all(lives.map(async ({ who }, index) => [who, await storyOf(ids[index] ?? '')] as const)),
      );
      expect(stories).toEqual(Object.fromEntries(lives.map(({ who, story }) => [who, story])));

      const [idle] = lives.flatMap(({ isIdle }, index) => (isIdle ? [ids[index] ?? ''] : []));
      const expected = ['customer.registered', 'customer.verified', 'journey.step_reached'] as const;
      const last = { event: 'customer.deactivated', actor: 'journey:welcome', details: { to: 'inactive' } } as const;
      await expectEvents(acme, idle ?? '', [...expected, last]);
      for (const wrong of [expected, [...expected, last, last]])
        await expect(expectEvents(acme, idle ?? '', wrong)).rejects.toThrow('not those that are expected');
      await run.stop();
      await backend.close();
    }, 300_000);
  });
