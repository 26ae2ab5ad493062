import { sqlite } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { nextSlot } from '../../src/monitoring/phase.js';
import { createHealth, defineProbe, kyselyHealthStore, memoryHealthStore, type HealthStore } from '../../src/index.js';

const hour = 3_600_000;

const stores = [
  ['in memory', memoryHealthStore],
  [
    'on SQLite',
    (options: Parameters<typeof memoryHealthStore>[0]) => {
      const database = sqlite(':memory:');
      onTestFinished(() => database.close());
      return kyselyHealthStore(database, options);
    },
  ],
] as const;

/** An endpoint that is checked once a day, by a probe that asks to look again after `afterMs`. */
async function stage(store: HealthStore, clock: ReturnType<typeof fakeClock>, afterMs: number) {
  const looks: number[] = [];
  const asking = defineProbe({
    serviceType: 'asking',
    summary: 'Says when to look again',
    addressing: 'none',
    config: z.strictObject({}),
    run() {
      looks.push(clock.now());
      return Promise.resolve({ responseTimeMs: 1, message: 'Well so far', lookAgainAt: clock.now() + afterMs });
    },
  });
  const start = async () => {
    const health = createHealth({ store, clock, probes: [asking], checkIntervals: { max: 86_400 } });
    await health.start();
    onTestFinished(() => health.stop());
    return health;
  };
  const health = await start();
  const scope = health.scope({ tenantId: 'acme' });
  const draft = { name: 'job', serviceType: 'asking', checkInterval: 86_400, paused: true };
  let { id } = await scope.endpoints.register(draft);
  // Its slot is anywhere in the day, and is not to come before what the probe asks for.
  while (nextSlot(id, 24 * hour, clock.now()) < clock.now() + 2 * hour)
    ({ id } = await scope.endpoints.register(draft));
  await scope.endpoints.resume(id);
  await expect.poll(async () => (await clock.advance(10), looks.length)).toBe(1);
  return { health, start, scope, id, looks };
}

describe.each(stores)('a probe that asks to look again, %s', (_, makeStore) => {
  it('is run then, after a restart too', async () => {
    const clock = fakeClock();
    const { health, start, looks } = await stage(makeStore({ clock }), clock, 60_000);
    const [first = 0] = looks;
    await health.stop();
    await clock.advance(20_000);
    await start();
    await clock.advance(30_000);
    expect(looks).toHaveLength(1);
    await expect.poll(async () => (await clock.advance(100), looks.length)).toBe(2);
    expect(looks[1]).toBeLessThanOrEqual(first + 62_000);
  });

  it('is run at once after a restart that came too late', async () => {
    const clock = fakeClock();
    const { health, start, looks } = await stage(makeStore({ clock }), clock, 60_000);
    await health.stop();
    clock.set(clock.now() + hour);
    await start();
    await expect.poll(async () => (await clock.advance(10), looks.length)).toBe(2);
  });

  it('is run then though the application has told of the endpoint meanwhile', async () => {
    const clock = fakeClock();
    const { scope, id, looks } = await stage(makeStore({ clock }), clock, 60_000);
    for (let count = 0; count < 5; count++) {
      scope.record(id, { ok: count === 4 });
      await clock.advance(1_000);
    }
    await expect.poll(async () => (await clock.advance(1_000), looks.length)).toBeGreaterThan(1);
    expect(looks[1]).toBeLessThanOrEqual((looks[0] ?? 0) + 62_000);
  });

  it('is checked at its slots when that is no time', async () => {
    const clock = fakeClock();
    const { scope, id, looks } = await stage(makeStore({ clock }), clock, NaN);
    await clock.advance(60_000);
    expect(looks).toHaveLength(1);
    expect((await scope.explain(id)).nextCheckAt).toBeGreaterThan(clock.now());
  });
});
