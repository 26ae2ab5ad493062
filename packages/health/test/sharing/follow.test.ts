import { newId, type Clock } from '@dotmac/core';
import { sqlite } from '@dotmac/core/kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createHealth, defineProbe, kyselyHealthStore, memoryHealthStore, type HealthStore } from '../../src/index.js';
import { staged } from '../support/staged.js';

const intervalMs = 60_000;

/** A process that monitors with so many places, and another on its store that only registers endpoints. */
async function stage(places: number) {
  const database = sqlite(':memory:');
  onTestFinished(() => database.close());
  const checked = new Set<string>();
  const noting = defineProbe({
    serviceType: 'noting',
    summary: 'Notes that it was asked',
    addressing: 'none',
    config: z.strictObject({ name: z.string() }),
    run({ config: { name } }) {
      checked.add(name);
      return Promise.resolve({ responseTimeMs: 1, message: 'It is well' });
    },
  });
  const options = { probes: [noting], concurrency: { total: places } };
  const leader = await staged((clock) => kyselyHealthStore(database, { clock }), options);
  const { clock, store, until, scope } = leader;
  const other = createHealth({ store, clock, probes: [noting], monitoring: false });
  await other.start();
  onTestFinished(() => other.stop());
  const { endpoints } = other.scope({ tenantId: 'acme', actor: 'user:1' });
  /** Registers endpoints at one instant, and waits until the process that monitors knows of them all. */
  const registerElsewhere = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const name = `endpoint ${index}`;
      await endpoints.register({ name, serviceType: 'noting', checkInterval: intervalMs / 1_000, config: { name } });
    }
    await until(() => scope.summary().details.length === count);
  };
  return { clock, until, checked, registerElsewhere };
}

describe('endpoints that another process registered', () => {
  it('are all checked as soon as they are known when there are places for all of them', async () => {
    const { clock, checked, registerElsewhere } = await stage(100);
    await registerElsewhere(100);
    await clock.advance(1_000);
    expect(checked.size).toBe(100);
  });

  it('wait for their own slots when they are more than the places', async () => {
    const { clock, checked, registerElsewhere } = await stage(100);
    await registerElsewhere(101);
    await clock.advance(1_000);
    expect(checked.size).toBeLessThan(20);
    await clock.advance(intervalMs);
    expect(checked.size).toBe(101);
  });
});

describe('the clock of a store that is set', () => {
  it.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])('an hour %s hides nothing that other processes change', async (_, stepMs) => {
    let setBy = 0;
    const { clock, store, scope, states, register, becomes, until } = await staged((own) =>
      memoryHealthStore({ clock: { now: () => own.now() + setBy } }),
    );
    const other = createHealth({ store, clock, monitoring: false, probes: [] });
    await other.start();
    onTestFinished(() => other.stop());
    const elsewhere = other.scope({ tenantId: 'acme', actor: 'user:2' });
    const [web, old] = [await register('web'), await register('old')];
    for (const endpoint of [web, old]) await becomes(endpoint, 'healthy');
    await until(() => elsewhere.summary().details.length === 2);
    const seenWithin = async (holds: () => boolean): Promise<void> => {
      const from = clock.monotonic();
      await until(holds);
      expect(clock.monotonic() - from).toBeLessThanOrEqual(10_000);
    };
    for (const by of [stepMs, -stepMs, stepMs]) {
      setBy += by;
      await elsewhere.endpoints.pause(web.id);
      await seenWithin(() => !scope.isUp(web.id));
      await clock.advance(60_000);
      await elsewhere.endpoints.resume(web.id);
      await seenWithin(() => scope.isUp(web.id));
    }
    setBy += stepMs;
    await elsewhere.endpoints.remove(old.id);
    await seenWithin(() => !scope.isUp(old.id));
    states.set('web', 'offline');
    await seenWithin(() => !elsewhere.isUp(web.id));
  });
});

describe('what another process found out', () => {
  it('is of now when its clock is ahead', async () => {
    const { clock, store, scope, register, becomes, until } = await staged((clock) => memoryHealthStore({ clock }));
    const ahead = { ...clock, now: () => clock.now() + 600_000 };
    const other = createHealth({ store, clock: ahead, monitoring: false });
    await other.start();
    onTestFinished(() => other.stop());
    const { id } = await register('web', { checkInterval: 10 });
    await becomes({ id, name: 'web' }, 'healthy');
    const elsewhere = other.scope({ tenantId: 'acme' });
    await until(() => elsewhere.summary().details.length === 1);
    const from = clock.now();
    for (let count = 0; count < 24; count++) {
      elsewhere.record(id, { ok: true });
      await clock.advance(5_000);
      expect((await scope.endpoints.get(id)).lastCheck).toBeLessThanOrEqual(clock.now());
    }
    expect((await scope.history.trend(id, { from, until: clock.now() })).coveragePercentage).toBeGreaterThan(90);
  });
});

describe('what another process found out whose clock is not ours', () => {
  it.each([
    ['ahead', 600_000],
    ['behind', -600_000],
  ])('counts, and is kept, as of when it was found out when that is %s', async (_, stepMs) => {
    const { clock, store, scope, register, becomes, until } = await staged((clock) => memoryHealthStore({ clock }));
    const theirs = { ...clock, now: () => clock.now() + stepMs };
    const other = createHealth({ store, clock: theirs, monitoring: false });
    await other.start();
    onTestFinished(() => other.stop());
    const web = await register('web', { checkInterval: 600 });
    await becomes(web, 'healthy');
    const elsewhere = other.scope({ tenantId: 'acme' });
    await until(() => elsewhere.summary().details.length === 1);
    await clock.advance(30_000);
    const seenAt = clock.now();
    elsewhere.record(web.id, { ok: false });
    await until(async () => (await scope.endpoints.get(web.id)).lastStatus === 'critical');
    expect((await scope.endpoints.get(web.id)).lastCheck).toBe(seenAt);
    expect((await scope.history.results(web.id)).items[0]).toMatchObject({
      checkedAt: seenAt,
      message: 'Seen to fail',
    });
  });
});

describe('what others found out in hours', () => {
  it('is judged by the process that monitors, whose lease goes on meanwhile', async () => {
    let spentMs = 0;
    let slow!: Clock;
    const rivals: unknown[] = [];
    const { store, until, register } = await staged(
      (clock) => {
        slow = { ...clock, now: () => clock.now() + spentMs, monotonic: () => clock.monotonic() + spentMs };
        const store = memoryHealthStore({ clock: slow });
        return {
          ...store,
          async handed(limit) {
            const found = await store.handed(limit);
            if (found.length === 0) return found;
            // Less than the lease lasts; two such times are more.
            spentMs += 8_000;
            rivals.push(await store.leases.acquire('health/monitor', 'rival#1', 1_000));
            return found;
          },
        };
      },
      {
        get clock() {
          return slow;
        },
      },
    );
    const { id: endpointId } = await register('web', { checkInterval: 600 });
    const result = { status: 'healthy', code: 'ok', responseTimeMs: 1, message: 'It is well' } as const;
    const found = { tenantId: 'acme', endpointId, at: await store.time(), result };
    await store.handOver(
      Array.from({ length: 3_500 }, () => ({ id: newId(), ...found })),
      { process: newId(), number: 1 },
    );
    await until(() => rivals.length >= 4);
    expect(rivals).toEqual([null, null, null, null]);
  });
});

describe('what a process does to an endpoint while it reads the store', () => {
  /** A process whose reads can be held up after the store has answered. */
  async function stage() {
    let opened = Promise.resolve();
    let held = false;
    const late = async <Found>(found: Found[]): Promise<Found[]> => {
      held ||= found.length > 0;
      if (found.length > 0) await opened;
      return found;
    };
    const { clock, store, scope, register, becomes, until } = await staged((clock) => memoryHealthStore({ clock }));
    const slow: HealthStore = {
      ...store,
      statesSince: async (...ask) => late(await store.statesSince(...ask)),
      endpointsById: async (ids) => late(await store.endpointsById(ids)),
    };
    const played = defineProbe({
      serviceType: 'played',
      summary: 'Is known here as well, and asked by the other process',
      addressing: 'none',
      config: z.strictObject({ name: z.string() }),
      run: () => Promise.resolve({ responseTimeMs: 1, message: 'It is well' }),
    });
    const other = createHealth({ store: slow, clock, probes: [played], monitoring: false });
    await other.start();
    onTestFinished(() => other.stop());
    const elsewhere = other.scope({ tenantId: 'acme', actor: 'user:2' });
    const web = await register('web');
    await becomes(web, 'healthy');
    const known = () => elsewhere.summary().details.map(({ endpointName }) => endpointName);
    await until(() => known().length === 1);
    /** Does something between the store's answer and its arrival. */
    const meanwhile = async (cause: () => Promise<unknown>, work: () => Promise<unknown>): Promise<void> => {
      let open = (): void => undefined;
      opened = new Promise((resolve) => (open = resolve));
      held = false;
      try {
        await cause();
        await until(() => held);
        await work();
      } finally {
        opened = Promise.resolve();
        open();
      }
      await clock.advance(10_000);
    };
    return { elsewhere, scope, web, becomes, known, meanwhile };
  }

  it.each(['its state', 'the endpoint'])('stays removed when %s was read before', async (what) => {
    const { elsewhere, scope, web, becomes, known, meanwhile } = await stage();
    const cause = (): Promise<unknown> =>
      what === 'its state' ? becomes(web, 'offline') : scope.endpoints.update(web.id, { name: 'other' });
    await meanwhile(cause, () => elsewhere.endpoints.remove(web.id));
    expect(known()).toEqual([]);
  });

  it('stays as it was changed when it was read before, and gets its state', async () => {
    const { elsewhere, web, becomes, known, meanwhile } = await stage();
    await meanwhile(
      () => becomes(web, 'offline'),
      () => elsewhere.endpoints.update(web.id, { name: 'other' }),
    );
    expect([known(), elsewhere.summary().details[0]?.status]).toEqual([['other'], 'offline']);
  });
});
