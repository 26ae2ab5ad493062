import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DomainEvent } from '@dotmac/core';
import type { Stage } from '../../src/customers/stage.js';
import { commands, type Command } from '../../src/customers/transitions.js';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import type { LifecycleScope } from '../../src/scope.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { aTimer } from '../../src/testing/samples.js';
import { backends, type Backend } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { until } from '../support/lifecycle.js';
import { allRows } from '../support/traces.js';
import { expected, places, whereabouts, willing, type Place } from '../support/transition-table.js';

const dayMs = 86_400_000;

/** What is asked of a service, as which command it is refused, and where it leads from the places that have it. */
interface Call {
  title: string;
  command: Command;
  to: Partial<Record<Place, Stage>>;
  give: (scope: LifecycleScope, customerId: string, by: { token: string; now: number }) => Promise<unknown>;
}

/** The ways to give each command; onboarding is asked for as one thing, which goes on from where the customer is. */
const ways: Record<Exclude<Command, 'startOnboarding' | 'progressOnboarding' | 'completeOnboarding'>, Call['give']> = {
  approve: ({ customers }, id) => customers.approve(id),
  reject: ({ customers }, id) => customers.reject(id),
  verify: ({ verification }, id, { token }) =>
    verification.verify(id, { verificationToken: token, verificationType: 'email' }),
  requestService: ({ services }, id) => services.request(id, { serviceName: 'internet' }),
  suspend: ({ suspension }, id) => suspension.suspend(id, { actionType: 'abuse' }),
  throttle: ({ suspension }, id) => suspension.throttle(id, { actionType: 'abuse' }),
  reactivate: ({ suspension }, id) => suspension.reactivate(id, { actionType: 'late' }),
  promise: ({ suspension }, id, { now }) => suspension.promise(id, { actionType: 'late', until: now + 2 * dayMs }),
  endPromise: ({ suspension }, id) => suspension.endPromise(id, { actionType: 'late' }),
  markChurning: ({ customers }, id) => customers.markChurning(id),
  winBack: ({ customers }, id) => customers.winBack(id),
  restore: ({ customers }, id) => customers.restore(id),
  erase: ({ privacy }, id) => privacy.erase(id),
  deactivate: ({ customers }, id) => customers.deactivate(id),
  delete: ({ customers }, id) => customers.delete(id),
};
const calls: readonly Call[] = [
  ...commands.flatMap((command): Call[] =>
    command in ways
      ? [{ title: command, command, to: expected[command], give: ways[command as keyof typeof ways] }]
      : [],
  ),
  {
    title: 'onboard, with something left to do',
    command: 'startOnboarding',
    to: { verification: 'onboarding', onboarding: 'onboarding', 'churning before active': 'onboarding' },
    give: ({ onboarding }, id) => onboarding.onboard(id, { onboardingData: { told: true } }),
  },
  {
    title: 'onboard',
    command: 'startOnboarding',
    to: { verification: 'active', onboarding: 'active', 'churning before active': 'active' },
    give: ({ onboarding }, id) => onboarding.onboard(id, { onboardingData: { signed: true } }),
  },
];
const pairs = places.flatMap((place) => calls.map((call) => ({ place, title: call.title, call })));

// What the table says does not depend on the database; that nothing is written is seen in every table of one.
for (const { title, create } of backends.filter((it) => it.title === 'memory' || it.title === 'SQLite'))
  describe(`through its service, on ${title}`, () => {
    let backend: Backend;
    let module: Lifecycle;
    let acme: LifecycleScope;
    /** By place and title of the call. */
    const subjects = new Map<string, { id: string; token: string }>();

    beforeAll(async () => {
      backend = await create();
      const { store, clock } = backend;
      const sent = new Map<string, string>();
      module = createLifecycle({
        store,
        clock,
        secret: 'a secret of more than 32 characters, for tests',
        templates: [
          defineServiceTemplate({ name: 'internet', config: z.object({}), steps: [{ key: 'port', run() {} }] }),
        ],
        checklist: [
          { key: 'sign', message: 'Sign.', isDone: ({ onboardingData }) => onboardingData['signed'] === true },
        ],
        sendVerification: ({ customerId, token }) => void sent.set(customerId, token),
      });
      // Everything that happens has to be told to somebody.
      module.subscribe({ name: 'crm', deliver: () => undefined });
      await module.start();
      acme = module.scope({ tenantId: 'acme', actor: 'user:1' });
      const promisedUntil = clock.now() + dayMs;
      const blocks = willing.blocks.map((block) => ({ ...block, promisedUntil }));
      const { id: _, tenantId: __, username: ___, email: ____, ...state } = { ...willing, blocks };
      for (const { place, call } of pairs) {
        const { command } = call;
        const approval = command === 'approve' || command === 'reject' ? 'pending' : 'approved';
        // Nobody who was deleted is sent a token: it was sent before.
        const wasSent = command === 'verify' && place === 'deleted';
        const where = whereabouts(wasSent ? 'inactive' : place);
        const [person] = await crowd(store, 1, { ...state, approval, ...where });
        const { id } = person ?? expect.unreachable();
        const timer = aTimer(id, { name: 'promise:late', command: 'endPromise', dueAt: promisedUntil });
        await store.transaction((trx) => store.tenant('acme').timers.put(timer, trx));
        if (command === 'verify') {
          await acme.verification.resend(id);
          await until(() => sent.has(id), clock, 1);
        }
        if (wasSent) await acme.customers.delete(id);
        subjects.set(`${place} ${call.title}`, { id, token: sent.get(id) ?? '' });
      }
      // From here on nothing happens but what is asked.
      await module.stop();
    });
    afterAll(() => backend.close());

    /** What is still to be delivered of a customer. */
    const owed = async (id: string): Promise<DomainEvent[]> => {
      const waiting: DomainEvent[] = [];
      const note = (event: DomainEvent): DomainEvent => {
        waiting.push(event);
        return event;
      };
      await backend.store.transaction((trx) => backend.store.outbox.rewrite('acme', [id], note, trx));
      return waiting;
    };
    const everything = async (id: string) => {
      const { customers, history, timers, tokens, services, runs, privacy } = backend.store.tenant('acme');
      return {
        customer: await customers.get(id),
        terms: [...(await customers.termsOf([id]))],
        events: await history.list(id, { limit: 99 }),
        timers: await timers.listFor(id),
        token: await tokens.get(id, 'email'),
        services: await services.list({ customerId: id, limit: 9 }),
        runs: await runs.list({ limit: 99 }),
        key: await privacy.key(id),
        outbox: await owed(id),
        rows: backend.database && [...(await allRows(backend.database))].map(([table, rows]) => [table, rows.sort()]),
      };
    };

    it.each(pairs)('$place: $title leads where the table says, or is refused and writes nothing', async (pair) => {
      const { place, call } = pair;
      const { stage } = whereabouts(place);
      const { id, token } = subjects.get(`${place} ${call.title}`) ?? expect.unreachable();
      const before = await everything(id);
      expect(before.customer?.stage).toBe(stage);
      const given = call.give(acme, id, { token, now: backend.clock.now() });
      const to = call.to[place];
      if (to === undefined) {
        await expect(given).rejects.toMatchObject({
          code: 'ILLEGAL_TRANSITION',
          details: { stage, command: call.command },
        });
        expect(await everything(id)).toEqual(before);
        return;
      }
      await given;
      const { customer, events, outbox } = await everything(id);
      expect(customer?.stage).toBe(to);
      const from = place === 'churning before active' ? 'onboarding' : place === 'churning' ? 'active' : place;
      expect(customer?.churningFrom).toBe(to === 'churning' ? from : null);
      const added = events.slice(before.events.length).map(({ event }) => event);
      expect(added.length).toBeGreaterThan(0);
      expect(customer?.version).toBe(events.at(-1)?.seq);
      expect(added.at(-1)?.data).toMatchObject(call.command === 'requestService' ? {} : { to });
      const told = outbox.flatMap(({ id: eventId }) => added.filter((event) => event.id === eventId));
      expect(told.map(({ name }) => name)).toEqual(added.map(({ name }) => name));
    });
  });
