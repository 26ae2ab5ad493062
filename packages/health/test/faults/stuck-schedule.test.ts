import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineProbe, memoryHealthStore, type HealthOptions, type HealthStore } from '../../src/index.js';
import { staged } from '../support/staged.js';

/** A monitor with four places, what its probes and its store do, and what it says of itself. */
async function stage(options: Partial<HealthOptions> = {}) {
  const is = { probe: 'answers', store: 'answers' };
  const waiting = new Set<() => void>();
  const answered = async (part: keyof typeof is): Promise<void> => {
    if (is[part] === 'hangs') await new Promise<void>((resolve) => waiting.add(resolve));
  };
  const hanging = defineProbe({
    ...{ serviceType: 'hanging', summary: 'Hangs up to its deadline', addressing: 'none', config: z.strictObject({}) },
    async run({ signal }) {
      if (is.probe === 'hangs')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      return { responseTimeMs: 1, message: 'It is well' };
    },
  });
  const blocked = (store: HealthStore): HealthStore => ({
    ...store,
    settle: (...settled) => answered('store').then(() => store.settle(...settled)),
    tenant(tenantId) {
      const own = store.tenant(tenantId);
      return {
        ...own,
        heartbeats: { ...own.heartbeats, get: (id) => answered('store').then(() => own.heartbeats.get(id)) },
      };
    },
  });
  const metrics = new Registry();
  const logged: string[] = [];
  const log = (_: unknown, text?: string): void => void logged.push(text ?? '');
  const it = await staged((clock) => blocked(memoryHealthStore({ clock })), {
    ...{ probes: [hanging], metrics, concurrency: { total: 4, perTenant: 4, perHost: 4 } },
    logger: { debug: () => undefined, warn: () => undefined, info: log, error: log },
    ...options,
  });
  const gauge = async (name: 'oldest_due' | 'unstored'): Promise<number> =>
    Number(new RegExp(`^dotmac_health_${name}_seconds (\\S+)$`, 'm').exec(await metrics.metrics())?.[1]);
  const register = (serviceType: string, count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        it.scope.endpoints.register({
          ...{ name: `${serviceType} ${index}`, serviceType, checkInterval: 60, timeout: 60 },
          config: serviceType === 'heartbeat' ? { period: 600 } : {},
        }),
      ),
    );
  const mend = (): void => {
    Object.assign(is, { probe: 'answers', store: 'answers' });
    for (const go of waiting) go();
    waiting.clear();
  };
  // What hangs would keep `stop` waiting after a test that failed.
  onTestFinished(mend);
  return { ...it, is, gauge, register, mend, logged };
}

/** What is due within 10 ms begins together. */
const together = 0.01;

const well = { ready: true, parts: { health: 'running', monitor: 'monitoring' } };

describe('a monitor that does not keep up', () => {
  it('says for how long a check has been due, and that it is behind, while hanging probes have every place', async () => {
    const { clock, health, is, gauge, register, mend, logged } = await stage({
      lateness: { behindMs: 90_000, unreadyMs: 240_000 },
    });
    await register('hanging', 40);
    await clock.advance(120_000);
    expect(await gauge('oldest_due')).toBeLessThanOrEqual(together);
    expect(health.readiness()).toEqual(well);

    is.probe = 'hangs';
    const [began, seen] = [clock.monotonic(), [] as number[]];
    const behind = { ...well, parts: { ...well.parts, monitor: 'behind' } };
    while (health.readiness().parts.monitor !== 'behind') {
      await clock.advance(1_000);
      seen.push(await gauge('oldest_due'));
    }
    expect(health.readiness()).toEqual(behind);
    // Four places, each taken for a minute: the others are due within a minute, and wait.
    expect(clock.monotonic() - began).toBeGreaterThan(90_000);
    expect(clock.monotonic() - began).toBeLessThan(160_000);
    expect(seen.at(-1)).toBeGreaterThanOrEqual(90);
    expect(seen.at(-1)).toBeLessThan(92);
    // Which check is due when depends on the ids; that the queue never empties does not.
    while (health.readiness().ready) {
      await clock.advance(1_000);
      seen.push(await gauge('oldest_due'));
    }
    expect(health.readiness()).toEqual({ ...behind, ready: false });
    expect(clock.monotonic() - began).toBeLessThan(600_000);
    expect(seen.at(-1)).toBeGreaterThanOrEqual(240);
    expect(seen.at(-1)).toBeLessThan(242);

    mend();
    await clock.advance(61_000);
    expect(await gauge('oldest_due')).toBeLessThanOrEqual(together);
    expect(health.readiness()).toEqual(well);
    expect(logged.filter((it) => /begin/.test(it))).toEqual([
      'checks are due and do not begin: every place is taken',
      'checks begin in time again',
    ]);
  });

  it('says so when its store takes nothing, and stays ready unless it is told otherwise', async () => {
    const { clock, health, is, gauge, register, mend, logged } = await stage();
    await register('hanging', 2);
    await clock.advance(90_000);
    expect(await gauge('unstored')).toBeLessThanOrEqual(1);
    is.store = 'hangs';
    await clock.advance(200_000);
    expect(health.readiness()).toEqual({ ready: true, parts: { ...well.parts, store: 'behind' } });
    expect(await gauge('unstored')).toBeGreaterThanOrEqual(60);
    // Checks do not wait for storage.
    expect(await gauge('oldest_due')).toBeLessThanOrEqual(together);
    mend();
    await clock.advance(5_000);
    expect(await gauge('unstored')).toBeLessThanOrEqual(1);
    expect(health.readiness()).toEqual(well);
    expect(logged.filter((it) => /stored/.test(it))).toEqual([
      'what is found out cannot be stored, and waits',
      'what is found out is stored again',
    ]);
  });

  it('says so when its store blocks the checks that read it', async () => {
    const { clock, health, is, gauge, register, mend } = await stage();
    await register('heartbeat', 40);
    await clock.advance(120_000);
    expect(health.readiness()).toEqual(well);
    is.store = 'hangs';
    await clock.advance(300_000);
    expect(health.readiness().parts).toMatchObject({ monitor: 'behind', store: 'behind' });
    expect(await gauge('oldest_due')).toBeGreaterThanOrEqual(60);
    mend();
    await clock.advance(61_000);
    expect(await gauge('oldest_due')).toBeLessThanOrEqual(together);
    expect(health.readiness()).toEqual(well);
  });

  it('refuses bounds that are none', async () => {
    await expect(stage({ lateness: { behindMs: 0 } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(stage({ lateness: { unreadyMs: NaN } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
