import { defineErrors } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import fc from 'fast-check';
import { z } from 'zod';
import { expect, it } from 'vitest';
import { fold, foldedRow } from '../../src/customers/fold.js';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { foldedService, foldServices } from '../../src/services/fold.js';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import { calls, perform, predict, registered, type Call, type Model } from '../support/customer-model.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const network = defineErrors({
  OUT_OF_ORDER: { kind: 'conflict', message: (_: Record<never, never>) => 'The network is out of order.' },
});

/** A service of the reference model. */
interface ServiceModel {
  /** Exempt from the reason `a`. */
  isExempt: boolean;
  life: 'there' | 'gone' | 'failed';
  access: 'none' | 'full' | 'throttled' | 'suspended';
  /** Its own reasons, and whether each suspends. */
  reasons: ReadonlyMap<string, boolean>;
  isTerminating: boolean;
  /** What could not be done to it when it had to be. */
  stuckAt: 'deprovision' | 'another' | null;
}

/** A customer with its services, its timers and holds, and the network that its services are set up in. */
interface World {
  customer: Model;
  services: readonly ServiceModel[];
  /** By name: when, and what is called then. */
  timers: ReadonlyMap<string, { dueAt: number; call: Call }>;
  isHeld: boolean;
  isBroken: boolean;
}

const serviceCalls = [
  'request plain',
  'request exempt',
  ...(['block b', 'slow b', 'slow c', 'unblock b', 'unblock all', 'terminate it'] as const).flatMap((what) => [
    `${what} 0` as const,
    `${what} 1` as const,
  ]),
  'break',
  'mend',
  'hold',
  'release',
  'later suspend b',
  'later deactivate',
  'later erase',
  'wait',
  'wait long',
] as const;
type AnyCall = Call | (typeof serviceCalls)[number];

const hourMs = 3_600_000;
const promiseMs = hourMs;
const laterMs = 1.5 * hourMs;

/** What a service should give by what is known of its customer and itself. */
function wanted({ stage, reasons }: Model, service: ServiceModel): ServiceModel['access'] {
  if (service.isTerminating || stage === 'inactive' || stage === 'deleted') return 'none';
  const following = [...reasons]
    .filter(([reason, { promised }]) => !promised && !(service.isExempt && reason === 'a'))
    .map(([, { suspends }]) => suspends);
  const all = [...following, ...service.reasons.values()];
  return all.includes(true) ? 'suspended' : all.length > 0 ? 'throttled' : 'full';
}

/** A service once nothing is being done to it any more. */
function settled(world: World, service: ServiceModel): ServiceModel {
  const access = wanted(world.customer, service);
  if (service.life !== 'there' || service.stuckAt !== null || access === service.access) return service;
  if (world.isBroken) return { ...service, stuckAt: access === 'none' ? 'deprovision' : 'another' };
  return { ...service, access, life: access === 'none' ? 'gone' : 'there' };
}

/** The world once everything has followed, and timers of what is not promised any more are gone. */
function followed(world: World): World {
  const { customer } = world;
  const isKept = ([name]: [string, unknown]): boolean =>
    !customer.erased && (!name.startsWith('promise:') || customer.reasons.get(name.slice(8))?.promised === true);
  const timers = new Map([...world.timers].filter(isKept));
  return { ...world, timers, services: world.services.map((service) => settled(world, service)) };
}

/** What a call comes to, or the code of its refusal. */
function foretell(world: World, call: AnyCall, now: number): World | string {
  const { customer, services } = world;
  const [verb = '', what = '', index = '0'] = call.split(' ');
  const service = services[Number(index)];
  const having = (changed: ServiceModel): World =>
    followed({ ...world, services: services.map((each) => (each === service ? changed : each)) });
  const after = (next: Model | 'refused'): World | string =>
    next === 'refused' ? 'ILLEGAL_TRANSITION' : followed({ ...world, customer: next });
  switch (verb) {
    case 'request': {
      if (customer.stage !== 'active') return 'ILLEGAL_TRANSITION';
      const fresh = { isExempt: what === 'exempt', reasons: new Map<string, boolean>(), isTerminating: false };
      const made: ServiceModel = world.isBroken
        ? { ...fresh, life: 'failed', access: 'none', stuckAt: null }
        : { ...fresh, life: 'there', access: 'full', stuckAt: null };
      return followed({ ...world, services: [...services, made] });
    }
    case 'block':
    case 'slow': {
      if (!service) return 'SERVICE_NOT_FOUND';
      if (customer.erased) return 'CUSTOMER_ERASED';
      const open = service.reasons.get(what);
      const suspends = verb === 'block';
      if (service.life !== 'there' || (open !== undefined && (open || !suspends))) return 'SERVICE_BUSY';
      return having({ ...service, reasons: new Map([...service.reasons, [what, suspends]]) });
    }
    case 'unblock': {
      if (!service) return 'SERVICE_NOT_FOUND';
      if (customer.erased) return 'CUSTOMER_ERASED';
      const isLifted = (reason: string): boolean => what === 'all' || reason === what;
      const reasons = new Map([...service.reasons].filter(([reason]) => !isLifted(reason)));
      return reasons.size === service.reasons.size ? 'SERVICE_BUSY' : having({ ...service, reasons });
    }
    case 'terminate':
      if (!service) return 'SERVICE_NOT_FOUND';
      if (customer.erased) return 'CUSTOMER_ERASED';
      if (service.life !== 'there' || service.isTerminating) return 'SERVICE_BUSY';
      return having({ ...service, isTerminating: true });
    case 'break':
      return { ...world, isBroken: true };
    case 'mend': {
      // What was stuck is tried again, and what is wanted by now comes after it.
      const mended = services.map((each): ServiceModel =>
        each.stuckAt === 'deprovision'
          ? { ...each, stuckAt: null, access: 'none', life: 'gone' }
          : { ...each, stuckAt: null },
      );
      return followed({ ...world, isBroken: false, services: mended });
    }
    case 'hold':
    case 'release':
      return customer.erased ? 'CUSTOMER_ERASED' : { ...world, isHeld: verb === 'hold' };
    case 'later': {
      if (customer.erased) return 'CUSTOMER_ERASED';
      const later = call.slice('later '.length) as Call;
      return { ...world, timers: new Map([...world.timers, ['later', { dueAt: now + laterMs, call: later }]]) };
    }
    case 'promise': {
      const next = predict(customer, call as Call);
      if (next === 'refused') return 'ILLEGAL_TRANSITION';
      const due = { dueAt: now + promiseMs, call: `endPromise ${what}` as Call };
      return followed({ ...world, customer: next, timers: new Map([...world.timers, [`promise:${what}`, due]]) });
    }
    case 'erase': {
      const next = predict(customer, 'erase');
      if (next !== 'refused' && world.isHeld) return 'LEGAL_HOLD';
      if (next !== 'refused' && services.some(({ life }) => life === 'there')) return 'SERVICES_REMAIN';
      return after(next);
    }
    case 'owe':
    case 'pay':
      return customer.erased ? 'CUSTOMER_ERASED' : after(predict(customer, call as Call));
    default:
      return after(predict(customer, call as Call));
  }
}

/** What time brings: every timer that is due has its turn, and one that is refused is over as well. */
function foretellWait(world: World, until: number): { world: World; dueAt: number[] } {
  const [first] = [...world.timers].sort(([, a], [, b]) => a.dueAt - b.dueAt);
  if (!first || first[1].dueAt > until) return { world, dueAt: [] };
  const [name, { dueAt, call }] = first;
  const left = { ...world, timers: new Map([...world.timers].filter(([other]) => other !== name)) };
  const next = foretell(left, call, dueAt);
  // An erasure that something keeps from being done is due again a day later.
  const isPutOff = next === 'LEGAL_HOLD' || next === 'SERVICES_REMAIN';
  const putOff = { ...left, timers: new Map([...left.timers, [name, { dueAt: dueAt + 24 * hourMs, call }]]) };
  const rest = foretellWait(isPutOff ? putOff : typeof next === 'string' ? left : next, until);
  return { world: rest.world, dueAt: [dueAt, ...rest.dueAt] };
}

/** Sequences that get somewhere: most begin with an active customer who has services. */
const sequences = fc
  .tuple(
    fc.boolean(),
    fc.array(fc.oneof(fc.constantFrom(...calls), { weight: 2, arbitrary: fc.constantFrom(...serviceCalls) }), {
      maxLength: 25,
    }),
  )
  .map(([hasBegun, rest]): AnyCall[] =>
    hasBegun ? ['verify', 'onboard', 'request plain', 'request exempt', ...rest] : rest,
  );

/** Through the rare ones for certain. */
const everyWay: AnyCall[] = [
  ...([
    'verify',
    'onboard',
    'request plain',
    'request exempt',
    'slow b 0',
    'block b 0',
    'suspend a',
    'promise a',
  ] as const),
  ...(['later deactivate', 'wait', 'unblock all 0', 'erase', 'hold', 'erase', 'later erase', 'wait long'] as const),
  ...(['release', 'wait long', 'erase', 'slow b 0'] as const),
];
/** The network is out of order while a customer leaves, comes back and leaves. */
const outOfOrder: AnyCall[] = [
  ...(['verify', 'onboard', 'request plain', 'request exempt', 'break', 'request plain', 'slow c 1'] as const),
  ...(['deactivate', 'block b 0', 'erase', 'winBack', 'onboard', 'mend', 'unblock all 1', 'delete', 'erase'] as const),
];

const template = (name: string, exemptFrom: string[], call: () => void) => {
  const step = { key: 'network', run: call };
  return defineServiceTemplate({
    name,
    exemptFrom,
    config: z.object({}),
    steps: [step],
    operations: { suspend: [step], throttle: [step], resume: [step], deprovision: [step] },
  });
};

it('random sequences of commands, waits and faults leave services as the reference model says, and as their events come to', async () => {
  const clock = fakeClock();
  const store = memoryLifecycleStore({ clock });
  let isBroken = false;
  const call = (): void => {
    if (isBroken) throw network.OUT_OF_ORDER({});
  };
  const run = await rig(
    { store, clock, close: () => Promise.resolve() },
    {
      dunning: [defineDunningPolicy({ name: 'patient', reason: 'a', steps: [{ afterDays: 9_999, action: 'warn' }] })],
      templates: [template('plain', [], call), template('exempt', ['a'], call)],
    },
  );
  const servicesOf = async (id: string) => {
    const { items } = await store.tenant('acme').services.list({ customerId: id, limit: 100 });
    return items.sort((a, b) => (a.id < b.id ? -1 : 1));
  };
  /** Until nothing is being done to any service. */
  const settle = (id: string) =>
    until(
      async () => (await servicesOf(id)).every(({ openRunId, status }) => openRunId === null || status === 'stuck'),
      clock,
      1,
    );
  const make = async (id: string, asked: AnyCall): Promise<void> => {
    const [verb = '', what = '', index = '0'] = asked.split(' ');
    const { services, privacy, timers, provisioning } = run.acme;
    const serviceId = (await servicesOf(id))[Number(index)]?.id ?? 'none';
    const severity = verb === 'slow' ? 'throttle' : 'suspend';
    const later = { dueAt: clock.now() + laterMs, name: 'later' };
    const [command, actionType] = asked.slice('later '.length).split(' ');
    const made: Record<string, () => unknown> = {
      request: () => services.request(id, { serviceName: what }),
      block: () => services.suspend(serviceId, { actionType: what, severity }),
      slow: () => services.suspend(serviceId, { actionType: what, severity }),
      unblock: () => services.resume(serviceId, { actionType: what }),
      terminate: () => services.terminate(serviceId),
      break: () => (isBroken = true),
      async mend() {
        isBroken = false;
        for (const { openRunId } of await servicesOf(id)) if (openRunId) await provisioning.retry(openRunId);
      },
      hold: () => privacy.setHold(id, { name: 'case' }),
      release: () => privacy.liftHold(id, 'case'),
      later: () =>
        timers.set(id, {
          ...later,
          command: command as 'suspend',
          input: actionType === undefined ? {} : { actionType },
        }),
      promise: () => run.acme.suspension.promise(id, { actionType: what, until: clock.now() + promiseMs }),
    };
    await (made[verb] ?? (() => perform(run, id, asked as Call)))();
    await settle(id);
  };
  const wait = async (id: string, dueAt: readonly number[], end: number): Promise<void> => {
    for (const at of dueAt) {
      clock.set(Math.max(at, clock.now()));
      await until(async () => (await run.acme.timers.list(id)).every((timer) => timer.dueAt > at), clock, 1_000);
      await settle(id);
    }
    clock.set(Math.max(end, clock.now()));
  };

  await fc.assert(
    fc.asyncProperty(sequences, async (sequence) => {
      isBroken = false;
      const { id } = await run.acme.customers.register(someone());
      await run.token(id);
      let world: World = {
        customer: registered(false),
        services: [],
        timers: new Map(),
        isHeld: false,
        isBroken: false,
      };
      for (const asked of sequence) {
        clock.set(clock.now() + 7);
        if (asked === 'wait' || asked === 'wait long') {
          const end = clock.now() + (asked === 'wait' ? 2 : 50) * hourMs;
          const foretold = foretellWait(world, end);
          await wait(id, foretold.dueAt, end);
          ({ world } = foretold);
        } else {
          const foretold = foretell(world, asked, clock.now());
          if (typeof foretold === 'string') {
            const before = [await run.acme.customers.read(id), await servicesOf(id)];
            await expect(make(id, asked)).rejects.toMatchObject({ code: foretold });
            expect([await run.acme.customers.read(id), await servicesOf(id)]).toEqual(before);
          } else {
            await make(id, asked);
            world = foretold;
          }
        }
        await agree(run, id, world);
      }
    }),
    { numRuns: 100, examples: [[everyWay], [outOfOrder]] },
  );
  await run.stop();

  async function agree({ acme }: Rig, id: string, { customer, services, timers, isHeld }: World): Promise<void> {
    const row = await acme.customers.read(id);
    expect([row.stage, row.erasedAt !== null]).toEqual([customer.stage, customer.erased]);
    expect(row.blocks.map(({ reason }) => reason).sort()).toEqual([...customer.reasons.keys()].sort());
    const kept = await servicesOf(id);
    const seen = kept.map(({ status, access, blocks, terminateRequestedAt }) => {
      const reasons = blocks.map(({ reason, severity }) => [reason, severity === 'suspend']);
      return { status, access, reasons: reasons.sort(), isTerminating: terminateRequestedAt !== null };
    });
    expect(seen).toEqual(
      services.map(({ life, access, reasons, isTerminating, stuckAt }) => {
        const there = access === 'suspended' ? 'suspended' : 'active';
        const status = { there, gone: 'terminated', failed: 'failed' }[life];
        return { status: stuckAt ? 'stuck' : status, access, reasons: [...reasons].sort(), isTerminating };
      }),
    );
    const names = (await acme.timers.list(id)).map(({ name }) => name).filter((name) => name !== 'dunning:patient');
    expect(names.sort()).toEqual([...timers.keys()].sort());
    expect(await acme.privacy.holds(id)).toHaveLength(isHeld ? 1 : 0);
    const history = await store.tenant('acme').history.list(id, { limit: 1_000 });
    const events = history.map(({ event }) => event);
    expect(fold(events)).toEqual(foldedRow(row));
    expect([...foldServices(events)].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual(
      kept.map((service) => [service.id, foldedService(service)]),
    );
    expect(history.map(({ seq }) => seq)).toEqual(history.map((_, index) => index + 1));
  }
});
