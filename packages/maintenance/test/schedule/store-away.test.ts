import { describe, expect, it } from 'vitest';
import { coreErrors } from '@dotmac/core';
import type { MaintenanceModule, MaintenanceStore, Schedule } from '../../src/index.js';
import type { TenantRuns, TenantSlots } from '../../src/store/store.js';
import { lastingTask } from '../support/lasting-task.js';
import { processes } from '../support/processes.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];

type Call = `runs.${keyof TenantRuns}` | `slots.${keyof TenantSlots}` | 'leases.acquire';

/** A store that fails the calls that `away` has, each with an error that says whether it is out of reach. */
function failing(store: MaintenanceStore) {
  const away = new Map<Call, 'unreachable' | 'broken'>();
  const guard = <Part extends object>(part: Part, name: string): Part =>
    new Proxy(part, {
      get(target, key, receiver) {
        const error = away.get(`${name}.${String(key)}` as Call);
        if (!error) return Reflect.get(target, key, receiver) as unknown;
        const unreachable = coreErrors.STORE_UNAVAILABLE({ operation: 'keeping runs' });
        return () => Promise.reject(error === 'broken' ? new Error('no') : unreachable);
      },
    });
  const failing: MaintenanceStore = {
    ...store,
    leases: guard(store.leases, 'leases'),
    runs: (tenantId) => guard(store.runs(tenantId), 'runs'),
    slots: (tenantId) => guard(store.slots(tenantId), 'slots'),
  };
  return { away, store: failing };
}

describe('a slot whose process is well, and whose store is away for a while', () => {
  const setUp = async (rules: Partial<Schedule> = {}) => {
    const all = processes();
    const { clock } = all;
    const [{ away, store }, lasting] = [failing(all.store), lastingTask()];
    const schedules = [{ name: 'it', task: 'last', tenantId: 'acme', everyMs: day, retryAfterMs: minute, ...rules }];
    const it = await all.begin({ store, tasks: [lasting.task], schedules });
    const untilItRuns = async () => {
      await clock.advance((rules.everyMs ?? day) + 5 * second);
      expect(await slot()).toMatchObject({ outcome: 'running', attempts: 1 });
    };
    const slot = async (index = 0) => (await all.store.slots('acme').list({ schedule: 'it', limit: 9 }))[index];
    const runs = async () => (await all.store.runs('acme').list({ limit: 9 })).map(({ status }) => status).reverse();
    const stop = async (module: MaintenanceModule): Promise<void> => {
      let stopped = false;
      void module.stop().then(() => (stopped = true));
      await clock.advance(second);
      expect(stopped).toBe(true);
    };
    return { ...all, away, it, held: lasting.runs, lasting, schedules, untilItRuns, slot, runs, stop };
  };

  it.each(['unreachable', 'broken'] as const)('is closed once that takes its end again (%s)', async (how) => {
    const { clock, away, held, untilItRuns, slot } = await setUp();
    await untilItRuns();
    away.set('slots.change', how);
    held[0]?.end();
    await clock.advance(5 * minute);
    expect(await slot()).toMatchObject({ outcome: 'running', endedAt: null });
    const backAt = clock.now();
    away.clear();
    await clock.advance(11 * second);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 1 });
    expect((await slot())?.endedAt).toBeLessThan(backAt - 4 * minute);
  });

  it('is not waited for when its process is stopped, and is closed by the next as its run ended', async () => {
    const { clock, away, held, untilItRuns, slot, it, forget, stop, begin, lasting, schedules } = await setUp();
    await untilItRuns();
    away.set('slots.change', 'unreachable');
    held[0]?.end();
    await clock.advance(minute);
    await stop(it);
    forget(it);
    expect(await slot()).toMatchObject({ outcome: 'running' });
    await begin({ tasks: [lasting.task], schedules });
    await clock.advance(minute);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 1 });
  });

  it('is tried again at its time', async () => {
    const { clock, away, held, untilItRuns, slot } = await setUp({ retries: 1 });
    await untilItRuns();
    away.set('slots.change', 'unreachable');
    held[0]?.end(new Error('no'));
    await clock.advance(20 * second);
    away.clear();
    await clock.advance(10 * second);
    expect(await slot()).toMatchObject({ outcome: 'retrying', attempts: 1 });
    await clock.advance(40 * second);
    expect(await slot()).toMatchObject({ outcome: 'running', attempts: 2 });
  });

  it('has the end of its run, which that takes once it is back', async () => {
    const { clock, away, held, untilItRuns, slot, runs } = await setUp();
    await untilItRuns();
    away.set('runs.finish', 'unreachable');
    held[0]?.end();
    await clock.advance(30 * second);
    expect(await runs()).toEqual(['running']);
    away.clear();
    await clock.advance(11 * second);
    expect(await runs()).toEqual(['completed']);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 1 });
  });

  it('is closed as abandoned where the end of its run is never taken, and tried again where that may be', async () => {
    for (const retries of [0, 1]) {
      const { clock, away, held, untilItRuns, slot, runs } = await setUp({ retries });
      await untilItRuns();
      away.set('runs.finish', 'broken');
      held[0]?.end();
      await clock.advance(second);
      away.clear();
      await clock.advance(3 * minute);
      expect(await runs()).toEqual(retries === 0 ? ['failed'] : ['failed', 'running']);
      const outcome = retries === 0 ? 'abandoned' : 'running';
      expect(await slot()).toMatchObject({ outcome, attempts: 1 + retries });
    }
  });

  it('begins its run once that is back', async () => {
    const { clock, away, held, slot } = await setUp();
    await clock.advance(day - second);
    away.set('runs.insert', 'unreachable');
    await clock.advance(10 * second);
    expect(held).toHaveLength(0);
    away.clear();
    await clock.advance(2 * minute);
    expect(await slot()).toMatchObject({ outcome: 'running', attempts: 1 });
    expect(held).toHaveLength(1);
  });

  it('waits on for another run', async () => {
    const { clock, away, held, untilItRuns, slot } = await setUp({ overlap: 'queue', everyMs: hour });
    await untilItRuns();
    await clock.advance(hour);
    expect(await slot()).toMatchObject({ outcome: 'waiting' });
    away.set('leases.acquire', 'unreachable');
    await clock.advance(5 * second);
    away.clear();
    await clock.advance(5 * second);
    held[0]?.end();
    await clock.advance(11 * second);
    expect(await slot()).toMatchObject({ outcome: 'running', attempts: 1 });
  });

  it('cancels the run that is in its way once that is back', async () => {
    const { clock, away, held, untilItRuns, slot } = await setUp({ overlap: 'cancel', everyMs: hour });
    await untilItRuns();
    away.set('runs.requestCancel', 'unreachable');
    await clock.advance(hour);
    expect(await slot()).toMatchObject({ outcome: 'waiting' });
    away.clear();
    await clock.advance(11 * second);
    expect(await slot()).toMatchObject({ outcome: 'running', attempts: 1 });
    expect(held).toHaveLength(2);
  });
});
