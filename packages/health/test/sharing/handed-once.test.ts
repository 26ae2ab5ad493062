import { isDeepStrictEqual } from 'node:util';
import { coreErrors, newId, silentLogger } from '@dotmac/core';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, memoryHealthStore, type EndpointStatus, type HealthStore } from '../../src/index.js';
import { createFollower } from '../../src/sharing/follow.js';
import { createHandOver } from '../../src/sharing/hand-over.js';
import type { Term } from '../../src/store/sharing.js';
import { endpointRecord } from '../support/endpoints.js';
import { storedResults } from '../support/results.js';
import { staged } from '../support/staged.js';
import { healthStores } from '../support/stores.js';
import { takingOn } from '../support/taking.js';

/** Which calls fail, counted from the first: those whose answer is lost are done all the same. */
interface Fault {
  first: number;
  calls: number;
  isDone: boolean;
}

const failing = ['handOver', 'handed', 'settle', 'lastSettled', 'windowsOf', 'time'] as const;

/** A store whose calls fail, and what was called. */
function faulty(store: HealthStore, fault: Fault | undefined) {
  const called: string[] = [];
  const failed = { ...store };
  for (const name of failing) {
    const real = store[name] as (...ask: unknown[]) => Promise<unknown>;
    Object.assign(failed, {
      async [name](...ask: unknown[]): Promise<unknown> {
        const index = called.push(name) - 1;
        const isFaulty = fault && index >= fault.first && index < fault.first + fault.calls;
        if (!isFaulty) return real(...ask);
        if (fault.isDone) await real(...ask);
        throw new Error(`${name} failed`);
      },
    });
  }
  return { store: failed, called };
}

const at = 1_767_225_700_000;
const leaseKey = 'health/monitor';
/** What is found out of each endpoint, one a second. */
const statusesOf = { gateway: ['healthy', 'offline'], mail: ['healthy'], gone: ['offline'] } as const;

/** A process that monitors, as far as it takes what others found out. */
async function leader(store: HealthStore, owner: string) {
  const clock = fakeClock(at + 60_000);
  const lease = await store.leases.acquire(leaseKey, owner, 3_600_000);
  const term: Term = { key: leaseKey, fence: lease?.fence ?? 0 };
  const { directory, recorder, monitor } = await takingOn(store, clock, term);
  const follower = createFollower({ store, directory, monitor, recorder, origin: owner, clock });
  return {
    look: () => follower.takeHanded(),
    flush: () => recorder.flush(),
    giveBack: () => store.leases.release(leaseKey, owner, term.fence),
  };
}

/**
 * What is counted of results that a process on standby hands over while calls fail; one that gave its lease up is followed by
 * another after the first fault, when that is asked for.
 */
async function handedThrough(given: HealthStore, fault: Fault | undefined, isFollowed: boolean) {
  const clock = { now: () => at + 60_000 };
  const real = { ...given, time: () => Promise.resolve(clock.now()) };
  const endpoints = Object.fromEntries(
    Object.keys(statusesOf).map((name) => [name, endpointRecord({ name, retryCount: 1 })]),
  );
  for (const endpoint of Object.values(endpoints)) await real.tenant('acme').insert(endpoint);
  const { store, called } = faulty(real, fault);
  const handOver = createHandOver(store, { clock, metrics: undefined });
  let leading = await leader({ ...real, ...store }, 'first');
  await real.tenant('acme').remove(endpoints['gone']?.id ?? '');
  let isOver = false;
  const step = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch {
      if (!isFollowed || isOver) return;
      isOver = true;
      await leading.giveBack();
      leading = await leader(real, 'second');
    }
  };
  for (const index of [0, 1]) {
    for (const [name, statuses] of Object.entries(statusesOf)) {
      const status: EndpointStatus | undefined = statuses[index];
      const endpoint = endpoints[name];
      if (!status || !endpoint) continue;
      const result = { status, code: 'seen', responseTimeMs: null, message: 'Seen' } as const;
      handOver.give({ endpoint } as Parameters<typeof handOver.give>[0], result, at + index * 1_000);
    }
    await step(() => handOver.flush());
    await step(() => leading.look());
  }
  const all = called.length;
  for (let round = 0; round < 4; round++) {
    await step(() => handOver.flush());
    await step(() => leading.look());
    await step(() => leading.flush());
  }
  const countsOf = async (name: string) => {
    const { id = '' } = endpoints[name] ?? {};
    const span = { resolution: 'day' as const, from: 0, until: at + 86_400_000 };
    const [day] = await real.tenant('acme').buckets(id, span);
    return [day?.counts.healthy ?? 0, day?.counts.offline ?? 0, (await storedResults(real, id)).length];
  };
  const counted = {
    gateway: await countsOf('gateway'),
    mail: await countsOf('mail'),
    incidents: (await real.tenant('acme').incidents({ limit: 10, after: null, filter: {} })).items.length,
    left: (await real.handed(10)).length,
  };
  for (const { id } of Object.values(endpoints)) await real.tenant('acme').remove(id);
  await leading.giveBack();
  return { counted, called: called.slice(0, all) };
}

const once = { gateway: [1, 1, 2], mail: [1, 0, 1], incidents: 1, left: 0 };

describe.each(healthStores)('$title, what another process found out', ({ title, open }) => {
  it('counts once, whichever call fails and whichever answer is lost, for one that goes on and one that takes over', async () => {
    const { subject: store, close } = await open();
    onTestFinished(() => close?.());
    const { counted, called } = await handedThrough(store, undefined, false);
    expect(counted).toEqual(once);
    expect(new Set(called)).toEqual(new Set(['time', 'handOver', 'handed', 'windowsOf', 'settle']));
    const wrong: unknown[] = [];
    for (const [first, name] of called.entries()) {
      // What is only read fails in memory as it does anywhere.
      if (title !== 'in memory' && !['handOver', 'handed', 'settle'].includes(name)) continue;
      for (const isDone of [true, false])
        for (const [calls, isFollowed] of [[1, false] as const, [2, false] as const, [1, true] as const]) {
          const { counted } = await handedThrough(store, { first, calls, isDone }, isFollowed);
          if (!isDeepStrictEqual(counted, once)) wrong.push({ name, first, calls, isDone, isFollowed, counted });
        }
    }
    expect(wrong).toEqual([]);
  }, 300_000);
});

describe('what another process found out', () => {
  it('counts when it could not be handed over before its process took over itself', async () => {
    const { clock, health, store, register, becomes, until } = await staged((own) => memoryHealthStore({ clock: own }));
    let isCut = false;
    const cut: HealthStore = {
      ...store,
      handOver: (...ask) => (isCut ? Promise.reject(new Error('cut off')) : store.handOver(...ask)),
    };
    const other = createHealth({ store: cut, clock, probes: [] });
    await other.start();
    onTestFinished(() => other.stop());
    const web = await register('web', { checkInterval: 3_600 });
    await becomes(web, 'healthy');
    const elsewhere = other.scope({ tenantId: 'acme' });
    await until(() => elsewhere.summary().details.length === 1);
    isCut = true;
    elsewhere.record(web.id, { ok: false });
    await clock.advance(5_000);
    await health.stop();
    isCut = false;
    await until(() => other.monitoring().role === 'monitoring');
    await until(async () => (await elsewhere.endpoints.get(web.id)).lastStatus === 'critical');
    expect((await elsewhere.incidents.list()).items).toHaveLength(1);
  });

  it('is left to who took over, and said to be no fault, when the lease ends while it is judged', async () => {
    const told: string[] = [];
    const note = (_: object, text?: string): void => void told.push(text ?? '');
    let isFenced = false;
    let refused = 0;
    const { clock, store, register, becomes, until } = await staged(
      (own) => {
        const inner = memoryHealthStore({ clock: own });
        const fenced: HealthStore['settle'] = (settlement, ...rest) => {
          if (!isFenced || !settlement.handed?.length) return inner.settle(settlement, ...rest);
          refused++;
          return Promise.reject(coreErrors.LEASE_LOST({ key: leaseKey }));
        };
        return { ...inner, settle: fenced };
      },
      { logger: { ...silentLogger, warn: note, error: note } },
    );
    const other = createHealth({ store, clock, probes: [], monitoring: false });
    await other.start();
    onTestFinished(() => other.stop());
    const elsewhere = other.scope({ tenantId: 'acme' });
    const web = await register('web', { checkInterval: 3_600 });
    await becomes(web, 'healthy');
    await until(() => elsewhere.summary().details.length === 1);
    isFenced = true;
    elsewhere.record(web.id, { ok: false });
    await until(() => refused > 0);
    await clock.advance(5_000);
    expect(told.filter((text) => text.startsWith('what other processes do'))).toEqual([]);
    isFenced = false;
    await until(async () => (await elsewhere.endpoints.get(web.id)).lastStatus === 'critical');
  });

  it('is not judged again by who reads it while it leaves the store', async () => {
    const store = memoryHealthStore();
    const endpoint = endpointRecord();
    await store.tenant('acme').insert(endpoint);
    const result = { status: 'healthy', code: 'seen', responseTimeMs: null, message: 'Seen' } as const;
    const one = { id: newId(), tenantId: 'acme', endpointId: endpoint.id, at, result };
    const meanwhile: (() => Promise<unknown>)[] = [];
    const slow: HealthStore = {
      ...store,
      async handed(limit) {
        const found = await store.handed(limit);
        await meanwhile.shift()?.();
        return found;
      },
    };
    await store.handOver([one], { process: newId(), number: 1 });
    const leading = await leader(slow, 'first');
    let isTaken = false;
    // The first look has read it, and a second one takes and settles it before the answer comes.
    meanwhile.push(async () => {
      await leading.look();
      isTaken = true;
    });
    await leading.look();
    await leading.flush();
    const [day] = await store
      .tenant('acme')
      .buckets(endpoint.id, { resolution: 'day', from: 0, until: at + 86_400_000 });
    expect([isTaken, day?.counts.healthy]).toEqual([true, 1]);
  });
});
