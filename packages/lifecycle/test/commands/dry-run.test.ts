import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandInput } from '../../src/commands/input.js';
import type { DryRunDraft } from '../../src/commands/explanation.js';
import { commands } from '../../src/customers/transitions.js';
import type { LifecycleHooks } from '../../src/hooks.js';
import { defineJourney } from '../../src/journeys/journey.js';
import type { LifecycleScope } from '../../src/scope.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { operations } from '../../src/services/operation.js';
import { backends, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const day = 24 * 3_600_000;
const late = { actionType: 'late' };

/** Customers as they are before a command. */
type Before = 'registered' | 'verified' | 'onboarding' | 'active' | 'served' | 'left';

interface Case {
  title: string;
  before: Before;
  /** What is done first. */
  first?: (acme: LifecycleScope, id: string, now: number) => Promise<unknown>;
  command: DryRunDraft['command'];
  input?: (now: number) => CommandInput;
  give: (acme: LifecycleScope, id: string, now: number) => Promise<unknown>;
  /** Tried on every store, and not in memory alone. */
  everywhere?: true;
}

const suspended: Case['first'] = (acme, id) => acme.suspension.suspend(id, late);
const promised: Case['first'] = async (acme, id, now) => {
  await acme.suspension.suspend(id, late);
  await acme.suspension.promise(id, { ...late, until: now + 9 * day });
};
const signed = { onboardingData: { contract: true } };

const cases: Case[] = [
  { title: 'approve', before: 'registered', command: 'approve', give: (acme, id) => acme.customers.approve(id) },
  { title: 'reject', before: 'registered', command: 'reject', give: (acme, id) => acme.customers.reject(id) },
  {
    title: 'onboard to the end',
    before: 'verified',
    command: 'startOnboarding',
    input: () => signed,
    give: (acme, id) => acme.onboarding.onboard(id, signed),
  },
  {
    title: 'onboard a step',
    before: 'onboarding',
    command: 'startOnboarding',
    input: () => ({ onboardingData: { router: 1 } }),
    give: (acme, id) => acme.onboarding.onboard(id, { onboardingData: { router: 1 } }),
  },
  {
    title: 'request a service',
    everywhere: true,
    before: 'active',
    command: 'requestService',
    input: () => ({ serviceName: 'internet' }),
    give: (acme, id) => acme.services.request(id, { serviceName: 'internet' }),
  },
  {
    title: 'suspend',
    everywhere: true,
    before: 'served',
    command: 'suspend',
    input: () => late,
    give: (acme, id) => acme.suspension.suspend(id, late),
  },
  {
    title: 'suspend so as to throttle',
    before: 'served',
    command: 'suspend',
    input: () => ({ ...late, severity: 'throttle' }),
    give: (acme, id) => acme.suspension.suspend(id, { ...late, severity: 'throttle' }),
  },
  {
    title: 'throttle',
    before: 'served',
    command: 'throttle',
    input: () => late,
    give: (acme, id) => acme.suspension.throttle(id, late),
  },
  {
    title: 'promise',
    before: 'served',
    first: suspended,
    command: 'promise',
    input: (now) => ({ ...late, until: now + 9 * day }),
    give: (acme, id, now) => acme.suspension.promise(id, { ...late, until: now + 9 * day }),
  },
  {
    title: 'end a promise',
    before: 'served',
    first: promised,
    command: 'endPromise',
    give: (acme, id) => acme.suspension.endPromise(id),
  },
  {
    title: 'reactivate',
    before: 'served',
    first: suspended,
    command: 'reactivate',
    input: () => late,
    give: (acme, id) => acme.suspension.reactivate(id, late),
  },
  {
    title: 'reactivate whom payment was promised of',
    everywhere: true,
    before: 'served',
    first: promised,
    command: 'reactivate',
    input: () => late,
    give: (acme, id) => acme.suspension.reactivate(id, late),
  },
  {
    title: 'mark as about to leave',
    before: 'served',
    command: 'markChurning',
    give: (acme, id) => acme.customers.markChurning(id),
  },
  {
    title: 'win back',
    before: 'served',
    first: (acme, id) => acme.customers.markChurning(id),
    command: 'winBack',
    give: (acme, id) => acme.customers.winBack(id),
  },
  { title: 'deactivate', before: 'served', command: 'deactivate', give: (acme, id) => acme.customers.deactivate(id) },
  { title: 'delete', before: 'served', command: 'delete', give: (acme, id) => acme.customers.delete(id) },
  {
    title: 'restore',
    before: 'left',
    first: (acme, id) => acme.customers.delete(id),
    command: 'restore',
    give: (acme, id) => acme.customers.restore(id),
  },
  { title: 'erase', before: 'left', command: 'erase', everywhere: true, give: (acme, id) => acme.privacy.erase(id) },
];

const journeys = [
  defineJourney({
    name: 'trouble',
    startsOn: ['customer.suspended', 'customer.throttled', 'customer.rejected', 'customer.deactivated'],
    endsOn: ['customer.reactivated', 'customer.promised', 'customer.suspension_lifted', 'customer.erased'],
    steps: [{ key: 'write', afterDays: 2 }],
  }),
  defineJourney({
    name: 'welcome',
    startsOn: ['customer.approved', 'customer.onboarding_started', 'customer.won_back', 'customer.restored'],
    restartsOn: ['customer.onboarding_progressed'],
    endsOn: ['customer.activated', 'customer.deleted'],
    steps: [{ key: 'call', afterDays: 1 }],
  }),
  defineJourney({
    name: 'service',
    startsOn: ['service.requested', 'service.operation_started', 'customer.churning'],
    steps: [{ key: 'ask', afterDays: 30 }],
  }),
];

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`a dry run on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    /** Hooks as they were called; those after a commit may be late, and name the state that they were told. */
    let called: { hook: string; version?: number }[];
    let gate: Promise<void> | undefined;
    beforeEach(async () => {
      [backend, called, gate] = [await create(), [], undefined];
      const names = [
        ...commands.map((command) => `customer.${command}`),
        ...Object.keys(operations).map((operation) => `operation.${operation}`),
      ];
      const hooks = Object.fromEntries(
        names.map((name) => {
          const tell = (phase: string) => () => void called.push({ hook: `${name} ${phase}` });
          const afterCommit = ({ state }: { state: { version: number } | { customer: { version: number } } }) => {
            const { version } = 'customer' in state ? state.customer : state;
            called.push({ hook: `${name} afterCommit`, version });
          };
          return [name, { before: tell('before'), inTransaction: tell('inTransaction'), afterCommit }];
        }),
      ) as LifecycleHooks;
      const step = { key: 'step', run: () => gate };
      const template = defineServiceTemplate({
        name: 'internet',
        config: z.object({}),
        steps: [step],
        operations: { suspend: [step], throttle: [step], resume: [step], deprovision: [step] },
      });
      const checklist = [
        {
          key: 'contract',
          message: 'Sign it',
          isDone: (it: { onboardingData: object }) => 'contract' in it.onboardingData,
        },
      ];
      run = await rig(backend, { templates: [template], hooks, journeys, checklist });
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    /** Everything that goes on by itself is over. */
    const settled = (id: string) =>
      until(async () => {
        const open = (await run.acme.services.list({ customerId: id })).items;
        const read = await Promise.all(open.map((service) => run.acme.services.read(service.id)));
        return read.every(({ openRunId }) => openRunId === null);
      }, run.clock);
    const customer = async (before: Before): Promise<string> => {
      const { acme } = run;
      const { id } = await acme.customers.register({ ...someone(), requiresApproval: before === 'registered' });
      if (before === 'registered') return id;
      await acme.verification.verify(id, { verificationToken: await run.token(id), verificationType: 'email' });
      if (before === 'verified') return id;
      await acme.onboarding.onboard(id, before === 'onboarding' ? {} : signed);
      if (before === 'served') await acme.services.request(id, { serviceName: 'internet' });
      if (before === 'left') await acme.customers.deactivate(id);
      return id;
    };
    const timers = (id: string) => backend.store.tenant('acme').timers.listFor(id);
    const runs = async () => (await backend.store.tenant('acme').runs.list({ limit: 99 })).items;

    it.each(cases.filter(({ everywhere }) => everywhere ?? title === 'memory'))(
      'says what the command then does: $title',
      async ({ before, first, command, input, give }) => {
        const { acme, clock } = run;
        const id = await customer(before);
        await settled(id);
        const now = clock.now();
        await first?.(acme, id, now);
        await settled(id);
        const [kept, { version }, set, begun] = [
          called.length,
          await acme.customers.read(id),
          await timers(id),
          await runs(),
        ];

        const calls = () =>
          called.filter((call, index) => (call.version === undefined ? index >= kept : call.version > version));

        const said = await acme.commands.dryRun(id, { command, ...(input && { input: input(now) }) });
        expect(said).toMatchObject({ allowed: true, code: null, reason: null });
        expect([await timers(id), await runs(), calls()]).toEqual([set, begun, []]);
        expect((await acme.customers.read(id)).version).toBe(version);

        // What is begun waits, so that what the command did can be seen by itself.
        let open = (): void => undefined;
        gate = new Promise((resolve) => (open = resolve));
        await give(acme, id, now);
        const events = await backend.store.tenant('acme').history.list(id, { limit: 99 });
        expect(events.filter(({ seq }) => seq > version).map(({ event }) => event.name)).toEqual(said.events);
        expect((await acme.customers.read(id)).stage).toBe(said.to);
        const is = await timers(id);
        const isNew = (timer: { id: string }) => !set.some((old) => old.id === timer.id);
        const names = (list: { name: string }[]) => list.map(({ name }) => name).sort();
        expect([...said.timers].sort()).toEqual(names(is.filter(isNew)));
        expect([...said.clearedTimers].sort()).toEqual(names(set.filter(({ name }) => !names(is).includes(name))));
        const started = (await runs()).filter((each) => !begun.some((old) => old.id === each.id));
        const begins = started.map(({ serviceName, operation }) => ({ serviceName, operation }));
        expect(said.operations.map(({ serviceName, operation }) => ({ serviceName, operation }))).toEqual(begins);
        open();
        await settled(id);
        const hooks = said.hooks.map(({ hook, phase }) => `${hook} ${phase}`);
        await until(() => calls().length >= hooks.length, clock);
        expect(
          calls()
            .map(({ hook }) => hook)
            .sort(),
        ).toEqual(hooks.sort());
      },
    );
  });

it('every command that can be tried is in the table', () => {
  const tried = new Set(cases.map(({ command }) => command));
  const unnamed = ['verify', 'progressOnboarding', 'completeOnboarding'];
  expect(commands.filter((command) => !tried.has(command as 'suspend'))).toEqual(unnamed);
});
