import { sqlite } from '@dotmac/core/kysely';
import type { FakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHealth, kyselyHealthStore, memoryHealthStore, type HealthStore } from '../../src/index.js';
import { staged } from '../support/staged.js';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const secret = 'a secret of thirty-two characters';

const inMemory = (clock: FakeClock) => memoryHealthStore({ clock });

const stores = [
  ['in memory', inMemory],
  [
    'on SQLite',
    (clock: FakeClock) => {
      const database = sqlite(':memory:');
      onTestFinished(() => database.close());
      return kyselyHealthStore(database, { clock });
    },
  ],
] as const;

const jobs = [
  ['by period', { period: 1_800, grace: 60 }],
  // As seen from 11:30.
  ['by cron', { cron: '0 12 * * *', grace: 60 }],
] as const;

const steps = [
  ['forward', hour],
  ['back', -hour],
] as const;

/** A job that is next due in half an hour, looked at seldom by itself. */
async function stage(makeStore: (clock: FakeClock) => HealthStore, config: object, checkInterval = 3_600) {
  const it = await staged(makeStore);
  const { clock, scope, health, another, until } = it;
  clock.set(Date.UTC(2026, 0, 1, 11, 29, 50));
  await clock.advance(10 * second);
  const draft = { name: 'backup', serviceType: 'heartbeat', retryCount: 1, checkInterval, config: { ...config } };
  const { id } = await scope.endpoints.register(draft);
  const { path } = await scope.heartbeats.get(id);
  let running = health;
  const endpoint = () => running.scope({ tenantId: 'acme' }).endpoints.get(id);
  const statusIs = (status: string) => until(async () => (await endpoint()).lastStatus === status, second);
  const restart = async (meanwhile: () => Promise<void> | void = () => undefined): Promise<void> => {
    await running.stop();
    await meanwhile();
    running = await another();
    await until(() => running.monitoring().role === 'monitoring');
  };
  const call = (signal?: string, by = running) => by.open.heartbeats.call(path.split('/').at(-1) ?? '', signal);
  const set = (byMs: number): void => clock.set(clock.now() + byMs);
  /** Lets time pass until so long after an instant, on the monotonic clock. */
  const passUntil = (at: number) => clock.advance(Math.max(0, at - clock.monotonic()));
  const lastStatus = async () => (await endpoint()).lastStatus;
  const incidents = async () => (await running.scope({ tenantId: 'acme' }).incidents.list()).items;
  return { ...it, id, call, set, statusIs, lastStatus, restart, passUntil, incidents };
}

describe.each(stores)('a job whose clock was set, %s,', (_, makeStore) => {
  it.each(steps)('runs no longer than it may though that was an hour %s while no process ran', async (__, byMs) => {
    const config = { period: 36_000, longest: 1_200 };
    const { clock, call, set, statusIs, lastStatus, restart, passUntil } = await stage(makeStore, config);
    await call();
    await call('start');
    await statusIs('healthy');
    const begunAt = clock.monotonic();
    await clock.advance(minute);
    await restart(() => set(byMs));
    await passUntil(begunAt + 19 * minute + 50 * second);
    expect(await lastStatus()).toBe('healthy');
    const from = clock.monotonic();
    await statusIs('critical');
    expect(clock.monotonic() - from).toBeLessThan(minute);
  });

  it.each(steps)(
    'is late in its time when another process took its call whose clock is an hour %s',
    async (__, byMs) => {
      const { clock, store, call, statusIs, lastStatus, passUntil } = await stage(makeStore, {
        period: 1_800,
        grace: 60,
      });
      const ahead = { ...clock, now: () => clock.now() + byMs };
      const other = createHealth({ store, clock: ahead, monitoring: false, secret });
      await other.start();
      onTestFinished(() => other.stop());
      await call(undefined, other);
      const calledAt = clock.monotonic();
      await statusIs('healthy');
      // Whoever monitors is told of it, and does not find it by chance.
      expect(clock.monotonic() - calledAt).toBeLessThan(10 * second);
      await passUntil(calledAt + 30 * minute + 50 * second);
      expect(await lastStatus()).toBe('healthy');
      await statusIs('offline');
      expect(clock.monotonic() - calledAt).toBeLessThan(33 * minute);
      await call('fail', other);
      await clock.advance(10 * second);
      expect(await lastStatus()).toBe('critical');
      await call(undefined, other);
      await clock.advance(10 * second);
      expect(await lastStatus()).toBe('healthy');
    },
  );

  it('is not held to the time in which no process ran', async () => {
    const { clock, call, statusIs, lastStatus, restart } = await stage(makeStore, { period: 1_800, grace: 60 });
    await call();
    await statusIs('healthy');
    await clock.advance(10 * minute);
    await restart(() => clock.advance(24 * hour));
    await clock.advance(20 * minute);
    expect(await lastStatus()).toBe('healthy');
    const from = clock.monotonic();
    await statusIs('offline');
    expect(clock.monotonic() - from).toBeLessThan(2 * minute);
  });
});

describe('a job whose clock was set', () => {
  describe.each(jobs)('%s', (__, config) => {
    it.each(
      steps.flatMap(([to, byMs]) =>
        (['while no process ran', 'just before a restart'] as const).map((when) => [to, when, byMs] as const),
      ),
    )('is late when its time is over, and no sooner, though that was an hour %s %s', async (to, when, byMs) => {
      const { clock, call, set, statusIs, lastStatus, restart, passUntil, incidents } = await stage(inMemory, config);
      await call();
      await statusIs('healthy');
      const calledAt = clock.monotonic();
      await clock.advance(minute);
      if (when === 'just before a restart') {
        set(byMs);
        await clock.advance(5 * second);
        await restart();
      } else await restart(() => set(byMs));
      await passUntil(calledAt + 30 * minute + 50 * second);
      expect(await lastStatus()).toBe('healthy');
      // Of a clock that is set back, the job itself has the hour again.
      if ('cron' in config && to === 'back') await passUntil(calledAt + 90 * minute + 50 * second);
      expect(await lastStatus()).toBe('healthy');
      const from = clock.monotonic();
      await statusIs('offline');
      expect(clock.monotonic() - from).toBeLessThan(2 * minute);
      expect(await incidents()).toHaveLength(1);
    });

    it.each(steps)('stays late until it calls when that is an hour %s, over restarts too', async (___, byMs) => {
      const { clock, call, set, statusIs, lastStatus, restart, incidents } = await stage(inMemory, config, 5);
      await call();
      await statusIs('healthy');
      await clock.advance(30 * minute);
      await statusIs('offline');
      set(byMs);
      await clock.advance(20 * second);
      expect(await lastStatus()).toBe('offline');
      await restart(() => set(byMs));
      await clock.advance(20 * second);
      expect(await lastStatus()).toBe('offline');
      expect(await incidents()).toHaveLength(1);
      await call();
      await statusIs('healthy');
    });
  });

  it('is found to be silent though its process begins anew again and again', async () => {
    const { clock, call, statusIs, lastStatus, restart } = await stage(inMemory, { period: 1_800, grace: 900 });
    await call();
    await statusIs('healthy');
    const calledAt = clock.monotonic();
    for (let count = 0; count < 13 && (await lastStatus()) === 'healthy'; count++) {
      await clock.advance(5 * minute);
      await restart();
      await clock.advance(20 * second);
    }
    expect(await lastStatus()).toBe('offline');
    // Its grace may be given twice.
    expect(clock.monotonic() - calledAt).toBeGreaterThan(45 * minute);
  });
});
