import { defineErrors } from '@dotmac/core';
import fc from 'fast-check';
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { isLong } from '../../../../test/support/length.js';
import { fold, foldedRow } from '../../src/customers/fold.js';
import { statusOf } from '../../src/customers/stage.js';
import { defineDunningPolicy } from '../../src/dunning/policy.js';
import type { CustomerState } from '../../src/feed/state-at.js';
import { defineServiceTemplate } from '../../src/provisioning/template.js';
import { foldedService, foldServices } from '../../src/services/fold.js';
import { backends } from '../support/backends.js';
import { calls, checklist, perform, predict, registered, type Call, type Model } from '../support/customer-model.js';
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
  /** Its own reasons: how hard each hits, and whether payment is promised for it. */
  reasons: Model['reasons'];
  isTerminating: boolean;
  /** What could not be done to it when it had to be. */
  stuckAt: 'deprovision' | 'another' | null;
}

/** A customer with its services, its timers and holds, and the network that its services are set up in. */
interface World {
  customer: Model;
  services: readonly ServiceModel[];
  /** By name: when, and what is called then. */
  timers: ReadonlyMap<string, { dueAt: number; call: AnyCall }>;
  isHeld: boolean;
  isBroken: boolean;
}

const serviceCalls = [
  'request plain',
  'request exempt',
  ...(
    ['block b', 'slow b', 'slow c', 'pledge b', 'unpledge b', 'unblock b', 'unblock all', 'terminate it'] as const
  ).flatMap((what) => [`${what} 0` as const, `${what} 1` as const]),
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
  const following = [...reasons].filter(([reason]) => !(service.isExempt && reason === 'a')).map(([, what]) => what);
  const all = [...following, ...service.reasons.values()].filter((it) => !it.promised).map((it) => it.suspends);
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
  const isKept = ([name]: [string, unknown]): boolean => {
    const [kind, reason = '', index] = name.split(':');
    const { reasons } = (index === undefined ? customer : world.services[Number(index)]) ?? customer;
    return !customer.erased && (kind !== 'promise' || reasons.get(reason)?.promised === true);
  };
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
      const fresh = { isExempt: what === 'exempt', reasons: new Map() as Model['reasons'], isTerminating: false };
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
      if (service.life !== 'there' || (open !== undefined && (open.suspends || !suspends))) return 'SERVICE_BUSY';
      return having({ ...service, reasons: new Map([...service.reasons, [what, { suspends, promised: false }]]) });
    }
    case 'pledge':
    case 'unpledge': {
      if (!service) return 'SERVICE_NOT_FOUND';
      if (customer.erased) return 'CUSTOMER_ERASED';
      const open = service.reasons.get(what);
      const promised = verb === 'pledge';
      if (!open || (promised ? service.life !== 'there' : !open.promised)) return 'SERVICE_BUSY';
      const pledged = { ...service, reasons: new Map([...service.reasons, [what, { ...open, promised }]]) };
      if (!promised) return having(pledged);
      const due = { dueAt: now + promiseMs, call: `unpledge ${what} ${index}` as AnyCall };
      const timers = new Map([...world.timers, [`promise:${what}:${index}`, due]]);
      const others = services.map((each) => (each === service ? pledged : each));
      return followed({ ...world, services: others, timers });
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
    hasBegun
      ? ['verify', 'onboard', 'request plain', 'request exempt', ...rest]
      : // A token would be over before somebody verifies with it.
        rest.filter((call) => call !== 'wait long'),
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
/** Payment is promised for one service, twice kept and once broken, and once it is gone before. */
const promising: AnyCall[] = [
  ...([
    'verify',
    'onboard',
    'request plain',
    'request exempt',
    'block b 0',
    'slow b 1',
    'pledge b 0',
    'pledge b 1',
  ] as const),
  ...(['unblock b 1', 'wait', 'pledge b 0', 'unpledge b 0', 'suspend a', 'pledge b 0', 'reactivate a'] as const),
  ...(['terminate it 0', 'wait', 'pledge b 0'] as const),
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

/** Sequences on each store: a database takes its time. */
const runsOn = (title: string): number => (title === 'memory' || isLong ? 100 : 15);

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`services on ${title}`, () => {
    it('random sequences of commands, waits and faults leave services as the reference model says, and as their events come to, then and later', async () => {
      const backend = await create();
      const { clock, store } = backend;
      let isBroken = false;
      const call = (): void => {
        if (isBroken) throw network.OUT_OF_ORDER({});
      };
      const run = await rig(backend, {
        checklist,
        dunning: [defineDunningPolicy({ name: 'patient', reason: 'a', steps: [{ afterDays: 9_999, action: 'warn' }] })],
        templates: [template('plain', [], call), template('exempt', ['a'], call)],
      });
      const servicesOf = async (id: string) => {
        const { items } = await store.tenant('acme').services.list({ customerId: id, limit: 100 });
        return items.sort((a, b) => (a.id < b.id ? -1 : 1));
      };
      /** Until nothing is being done to any service. That takes no time of the clock: a wake-up that is lost shows here. */
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
          pledge: () => services.promise(serviceId, { actionType: what, until: clock.now() + promiseMs }),
          unpledge: () => services.endPromise(serviceId, { actionType: what }),
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
          const seen: CustomerState[] = [];
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
            seen.push(await liveState(id));
          }
          // What it was at any time is what was seen then.
          for (const state of seen) expect(await run.acme.feed.stateAt(id, state.at)).toEqual(state);
        }),
        { numRuns: runsOn(title), examples: [[everyWay], [outOfOrder], [promising]] },
      );
      await run.stop();
      await backend.close();

      async function liveState(id: string): Promise<CustomerState> {
        const row = foldedRow(await run.acme.customers.read(id));
        const {
          version,
          stage,
          churningFrom,
          approval,
          reasons,
          emailVerifiedAt,
          phoneVerifiedAt,
          updatedAt: since,
        } = row;
        const services = (await servicesOf(id)).map((it) => ({ serviceId: it.id, ...foldedService(it) }));
        const status = statusOf({ stage, churningFrom });
        const known = { customerId: id, at: clock.now(), seq: version, lifecycleStage: stage, status };
        return { ...known, approval, reasons, emailVerifiedAt, phoneVerifiedAt, since, services } as CustomerState;
      }

      async function agree({ acme }: Rig, id: string, { customer, services, timers, isHeld }: World): Promise<void> {
        const row = await acme.customers.read(id);
        expect([row.stage, row.erasedAt !== null]).toEqual([customer.stage, customer.erased]);
        expect(row.blocks.map(({ reason }) => reason).sort()).toEqual([...customer.reasons.keys()].sort());
        const kept = await servicesOf(id);
        const seen = kept.map(({ status, access, blocks, terminateRequestedAt }) => {
          const reasons = blocks.map(({ reason, severity, promisedUntil }) => [
            reason,
            { suspends: severity === 'suspend', promised: promisedUntil !== null },
          ]);
          return { status, access, reasons: reasons.sort(), isTerminating: terminateRequestedAt !== null };
        });
        expect(seen).toEqual(
          services.map(({ life, access, reasons, isTerminating, stuckAt }) => {
            const there = access === 'suspended' ? 'suspended' : 'active';
            const status = { there, gone: 'terminated', failed: 'failed' }[life];
            return { status: stuckAt ? 'stuck' : status, access, reasons: [...reasons].sort(), isTerminating };
          }),
        );
        const named = (name: string): string => {
          const [kind = '', serviceId, reason = ''] = name.split(':');
          if (reason === '') return name;
          return [kind, reason, kept.findIndex((service) => service.id === serviceId)].join(':');
        };
        const names = (await acme.timers.list(id))
          .map(({ name }) => named(name))
          .filter((name) => name !== 'dunning:patient');
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
    }, 300_000);
  });
