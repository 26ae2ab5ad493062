import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceDryRunDraft } from '../../src/commands/explanation.js';
import type { LifecycleHooks } from '../../src/hooks.js';
import { defineJourney } from '../../src/journeys/journey.js';
import type { LifecycleScope } from '../../src/scope.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';
import { allRows } from '../support/traces.js';

const day = 24 * 3_600_000;
const late = { actionType: 'late' };

interface Case {
  title: string;
  /** What is done to the service first. */
  first?: (acme: LifecycleScope, id: string, now: number) => Promise<unknown>;
  asked: (now: number) => ServiceDryRunDraft;
  give: (acme: LifecycleScope, id: string, now: number) => Promise<unknown>;
}

const suspended: Case['first'] = (acme, id) => acme.services.suspend(id, late);
const promised: Case['first'] = async (acme, id, now) => {
  await acme.services.suspend(id, late);
  await acme.services.promise(id, { ...late, until: now + 9 * day });
};

const cases: Case[] = [
  {
    title: 'suspend',
    asked: () => ({ command: 'suspend', input: late }),
    give: (acme, id) => acme.services.suspend(id, late),
  },
  {
    title: 'suspend so as to throttle',
    asked: () => ({ command: 'suspend', input: { ...late, severity: 'throttle' } }),
    give: (acme, id) => acme.services.suspend(id, { ...late, severity: 'throttle' }),
  },
  {
    title: 'resume',
    first: suspended,
    asked: () => ({ command: 'resume', input: late }),
    give: (acme, id) => acme.services.resume(id, late),
  },
  {
    title: 'promise',
    first: suspended,
    asked: (now) => ({ command: 'promise', input: { ...late, until: now + 9 * day } }),
    give: (acme, id, now) => acme.services.promise(id, { ...late, until: now + 9 * day }),
  },
  {
    title: 'end a promise',
    first: promised,
    asked: () => ({ command: 'endPromise' }),
    give: (acme, id) => acme.services.endPromise(id),
  },
  {
    title: 'change its plan',
    asked: () => ({ command: 'changePlan', input: { customConfig: { fast: true } } }),
    give: (acme, id) => acme.services.changePlan(id, { customConfig: { fast: true } }),
  },
  { title: 'terminate', asked: () => ({ command: 'terminate' }), give: (acme, id) => acme.services.terminate(id) },
];

const journeys = [
  defineJourney({
    name: 'news',
    startsOn: ['customer.registered', 'service.operation_started', 'customer.verified'],
    steps: [{ key: 'ask', afterDays: 30 }],
  }),
];

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a dry run on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let called: string[];
    beforeEach(async () => {
      [backend, called] = [await create(), []];
      const named = (name: string) => ({
        before: () => void called.push(`${name} before`),
        inTransaction: () => void called.push(`${name} inTransaction`),
      });
      const names = [
        ...['customer.register', 'customer.verify', 'operation.change_plan', 'operation.suspend'],
        ...['suspend', 'resume', 'promise', 'endPromise', 'changePlan', 'terminate'].map((it) => `service.${it}`),
      ];
      const step = { key: 'step', run: () => undefined };
      const template = defineServiceTemplate({
        name: 'internet',
        config: z.object({ fast: z.boolean().optional() }),
        steps: [step],
        operations: { suspend: [step], throttle: [step], resume: [step], change_plan: [step], deprovision: [step] },
      });
      const hooks = Object.fromEntries(names.map((name) => [name, named(name)])) as LifecycleHooks;
      run = await rig(backend, { templates: [template], hooks, journeys });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });
    const settled = (id: string) => until(async () => (await run.acme.services.read(id)).openRunId === null, run.clock);
    const timers = (id: string) => backend.store.tenant('acme').timers.listFor(id);
    /** Everything that is kept, save for what is delivered beside; in memory what can be asked for. */
    const kept = async (customerId: string) => {
      const { customers, services, runs, history } = backend.store.tenant('acme');
      // A run that has ended gives back its lease.
      await run.clock.advance(0);
      const tables = backend.database ? [...(await allRows(backend.database))] : [];
      const rows = tables.filter(([table]) => table !== 'dotmac_outbox').map(([table, all]) => [table, all.sort()]);
      return {
        rows,
        customer: await customers.get(customerId),
        services: (await services.list({ customerId, limit: 9 })).items,
        runs: (await runs.list({ limit: 99 })).items,
        events: await history.list(customerId, { limit: 99 }),
        timers: await timers(customerId),
      };
    };

    it.each(cases)('says what the command then does to a service: $title', async ({ first, asked, give }) => {
      const { acme, clock } = run;
      const customerId = await run.active();
      const { id } = await acme.services.request(customerId, { serviceName: 'internet' });
      await settled(id);
      const now = clock.now();
      await first?.(acme, id, now);
      await settled(id);
      called.length = 0;
      const before = await kept(customerId);
      const said = await acme.commands.dryRunService(id, asked(now));
      expect(said).toMatchObject({ allowed: true, code: null, from: 'active', to: 'active' });
      expect([await kept(customerId), called]).toEqual([before, []]);

      const { version } = await acme.customers.read(customerId);
      await give(acme, id, now);
      const { events } = await kept(customerId);
      const happened = events.filter(({ seq }) => seq > version).map(({ event }) => event.name);
      expect(happened.slice(0, said.events.length)).toEqual(said.events);
      const [is, was] = [await timers(customerId), before.timers];
      const isNew = (timer: { id: string }) => !was.some((old) => old.id === timer.id);
      expect([...said.timers].sort()).toEqual(
        is
          .filter(isNew)
          .map(({ name }) => name)
          .sort(),
      );
      await settled(id);
      const runs = (await kept(customerId)).runs.filter(
        ({ id: runId }) => !before.runs.some((old) => old.id === runId),
      );
      expect(said.operations.map(({ operation }) => operation)).toEqual(runs.map(({ operation }) => operation));
      expect(said.hooks.map(({ hook, phase }) => `${hook} ${phase}`).sort()).toEqual([...called].sort());
    });

    it('says why a command on a service would be refused, and asks for what is missing', async () => {
      const { acme } = run;
      const { id } = await acme.services.request(await run.active(), { serviceName: 'internet' });
      await settled(id);
      expect(await acme.commands.dryRunService(id, { command: 'resume', input: late })).toMatchObject({
        allowed: false,
        code: 'SERVICE_BUSY',
        events: [],
        operations: [],
      });
      const invalid = { code: 'INVALID_INPUT' };
      await expect(acme.commands.dryRunService(id, { command: 'suspend' })).rejects.toMatchObject(invalid);
      const missing = { code: 'SERVICE_NOT_FOUND' };
      const suspend = { command: 'suspend', input: late } as const;
      await expect(run.other.commands.dryRunService(id, suspend)).rejects.toMatchObject(missing);
    });

    it('says what a registration would do: nobody is written to, and no name is taken', async () => {
      const { acme } = run;
      const person = someone();
      const before = await kept('nobody');
      const said = await acme.commands.dryRunRegistration({ ...person });
      expect(said).toMatchObject({
        allowed: true,
        from: null,
        to: 'registration',
        events: ['customer.registered'],
        timers: [expect.stringContaining('news') as string],
        hooks: ['before', 'inTransaction'].map((phase) => ({ hook: 'customer.register', phase })),
      });
      expect([await kept('nobody'), called, run.sent]).toEqual([before, [], []]);
      const { id } = await acme.customers.register(person);
      expect((await timers(id)).map(({ name }) => name)).toEqual(said.timers);
      expect(await acme.commands.dryRunRegistration({ ...someone(), username: person.username })).toMatchObject({
        allowed: false,
        code: 'CUSTOMER_EXISTS',
        from: null,
        to: null,
        events: [],
      });
    });

    it('says what verifying would do, and looks at no token', async () => {
      const { acme } = run;
      const { id } = await acme.customers.register(someone());
      const token = await run.token(id);
      const [before, told] = [await kept(id), called.length];
      const verify = { command: 'verify' } as const;
      const said = await acme.commands.dryRun(id, verify);
      expect(said).toMatchObject({ allowed: true, from: 'registration', to: 'verification' });
      expect(said.events).toEqual(['customer.verified']);
      expect([await kept(id), called.length]).toEqual([before, told]);
      const byPhone = { ...verify, input: { verificationType: 'phone' } } as const;
      expect(await acme.commands.dryRun(id, byPhone)).toMatchObject({ allowed: false, code: 'CHANNEL_MISSING' });
      await acme.verification.verify(id, { verificationToken: token, verificationType: 'email' });
      expect((await acme.customers.read(id)).stage).toBe(said.to);
      expect(await acme.commands.dryRun(id, verify)).toMatchObject({ allowed: false, code: 'ILLEGAL_TRANSITION' });
    });
  });
