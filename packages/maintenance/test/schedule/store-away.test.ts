import { describe, expect, it } from 'vitest';
import { coreErrors } from '@dotmac/core';
import type { MaintenanceModule, MaintenanceStore, Schedule } from '../../src/index.js';
import { taskKey } from '../../src/runs/lease-keys.js';
import type { Run } from '../../src/runs/run.js';
import type { TenantRuns, TenantSlots } from '../../src/store/store.js';
import { lastingTask } from '../support/lasting-task.js';
import { processes } from '../support/processes.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];

type Call = `runs.${keyof TenantRuns}` | `slots.${keyof TenantSlots}` | 'leases.acquire';

/**
 * A store that fails the calls that `away` has, each with an error that says whether it is out of reach. `unheard` is what it does, and
 * cannot say any more.
 */
function failing(store: MaintenanceStore) {
  const away = new Map<Call, 'unreachable' | 'broken' | 'unheard'>();
  const guard = <Part extends object>(part: Part, name: string): Part =>
    new Proxy(part, {
      get(target, key, receiver) {
        const error = away.get(`${name}.${String(key)}` as Call);
        const call = Reflect.get(target, key, receiver) as (...given: unknown[]) => Promise<unknown>;
        if (!error) return call;
        return async (...given: unknown[]) => {
          const isDone = error === 'unheard' && (await call(...given));
          if (error === 'unheard' && !isDone) return isDone;
          throw error === 'broken' ? new Error('no') : coreErrors.STORE_UNAVAILABLE({ operation: 'keeping runs' });
        };
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

  it('has its run, whose end is told once, though the store took that without saying so', async () => {
    const { clock, away, it, held, untilItRuns, slot, runs } = await setUp();
    const told: string[] = [];
    it.events.on('maintenance.run_completed', ({ data: { status } }) => void told.push(status));
    await untilItRuns();
    away.set('runs.finish', 'unheard');
    held[0]?.end();
    await clock.advance(2 * minute);
    expect(await runs()).toEqual(['completed']);
    expect(told).toEqual(['completed']);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 1 });
  });

  it.each(['skip', 'queue'] as const)(
    'has its turn, which the store gave it without saying so (%s)',
    async (overlap) => {
      const { clock, away, held, untilItRuns, slot } = await setUp({ overlap, everyMs: hour });
      await untilItRuns();
      if (overlap === 'skip') held[0]?.end();
      await clock.advance(hour - 6 * second);
      away.set('leases.acquire', 'unheard');
      await clock.advance(10 * second);
      away.clear();
      held[0]?.end();
      await clock.advance(11 * second);
      expect(await slot()).toMatchObject({ outcome: 'running', attempts: 1 });
      expect(held).toHaveLength(2);
    },
  );

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

  it.each([
    ['and says so when it is asked', []],
    ['and is away for a while', ['runs.get']],
  ] as const)('has the one run that the store kept without saying so, %s', async (_, more: readonly Call[]) => {
    const { clock, away, it, held, slot, runs } = await setUp();
    const told: string[] = [];
    it.events.on('maintenance.run_started', ({ data: { lagMs } }) => void told.push(`begun ${lagMs}`));
    await clock.advance(day - second);
    away.set('runs.insert', 'unheard');
    for (const call of more) away.set(call, 'unreachable');
    await clock.advance(10 * second);
    away.clear();
    await clock.advance(2 * minute);
    expect(held).toHaveLength(1);
    held[0]?.end();
    await clock.advance(second);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 1 });
    expect(await runs()).toEqual(['completed']);
    expect(told).toEqual(['begun 0']);
  });

  it('goes on from the run that failed, by the one that the store kept without saying so', async () => {
    const { clock, away, held, untilItRuns, slot, runs } = await setUp({ retries: 1 });
    await untilItRuns();
    held[0]?.end(new Error('no'));
    await clock.advance(50 * second);
    away.set('runs.insert', 'unheard');
    away.set('runs.get', 'unreachable');
    await clock.advance(20 * second);
    away.clear();
    await clock.advance(10 * second);
    held[1]?.end();
    await clock.advance(second);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 2 });
    expect(await runs()).toEqual(['failed', 'completed']);
  });

  it.each([0, 1])(
    'is begun anew where others ended the run that the store kept unheard (%s retries)',
    async (retries) => {
      const { clock, store, away, held, slot, runs, begin, lasting } = await setUp({ retries });
      await clock.advance(day - second);
      away.set('runs.insert', 'unheard');
      away.set('runs.get', 'unreachable');
      await clock.advance(10 * second);
      await begin({ store, tasks: [lasting.task], hostId: 'other' });
      await clock.advance(second);
      expect(await runs()).toEqual(['failed']);
      away.clear();
      await clock.advance(3 * minute);
      expect(held).toHaveLength(1);
      expect(await slot()).toMatchObject({ outcome: 'running', attempts: 1 });
      held[0]?.end();
      await clock.advance(second);
      expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 1 });
      expect(await runs()).toEqual(['failed', 'completed']);
    },
  );

  it('goes on from the run that failed, where others ended the one between that the store kept unheard', async () => {
    const { clock, store, away, held, untilItRuns, slot, begin, lasting } = await setUp({ retries: 1 });
    await untilItRuns();
    held[0]?.end(new Error('no'));
    await clock.advance(50 * second);
    away.set('runs.insert', 'unheard');
    away.set('runs.get', 'unreachable');
    await clock.advance(20 * second);
    await begin({ store, tasks: [lasting.task], hostId: 'other' });
    await clock.advance(second);
    away.clear();
    await clock.advance(11 * second);
    held[1]?.end();
    await clock.advance(second);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 2 });
    const [last, between, first] = await store.runs('acme').list({ limit: 9 });
    expect(last).toMatchObject({ status: 'completed', resumes: between?.id });
    expect(between).toMatchObject({ stopReason: 'abandoned', resumes: first?.id });
  });

  it('goes on from the run that failed, after another that came between by then', async () => {
    const { clock, store, away, held, untilItRuns, slot, begin, lasting } = await setUp({
      retries: 1,
      overlap: 'queue',
    });
    await untilItRuns();
    held[0]?.end(new Error('no'));
    await clock.advance(50 * second);
    away.set('runs.insert', 'unheard');
    away.set('runs.get', 'unreachable');
    const other = (await begin({ tasks: [lasting.task], hostId: 'other' })).scope({ tenantId: 'acme' });
    await clock.advance(12 * second);
    await other.runs.beginRun('last', {});
    away.clear();
    await clock.advance(20 * second);
    held[1]?.end();
    await clock.advance(5 * second);
    held[2]?.end();
    await clock.advance(second);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 2 });
    const all = await store.runs('acme').list({ limit: 9 });
    const [last, , undone, first] = all;
    expect(all.map(({ status }) => status)).toEqual(['completed', 'completed', 'cancelled', 'failed']);
    expect(last?.resumes).toBe(undone?.id);
    expect(undone?.resumes).toBe(first?.id);
  });

  describe('and has kept its run unheard when', () => {
    const kept = async (rules: Partial<Schedule> = {}) => {
      const all = await setUp({ everyMs: 300 * day });
      const { clock, away, it, begin, lasting } = all;
      const other = (await begin({ tasks: [lasting.task], hostId: 'other' })).scope({ tenantId: 'acme' });
      const { schedules } = it.scope({ tenantId: 'acme' });
      const { overlap } = rules;
      await schedules.create({ name: 'made', maintenanceType: 'last', everyMs: hour, ...(overlap && { overlap }) });
      await clock.advance(hour - second);
      away.set('runs.insert', 'unheard');
      away.set('runs.get', 'unreachable');
      await clock.advance(2 * second);
      const made = async () => (await all.store.slots('acme').list({ schedule: 'made', limit: 1 }))[0];
      expect(await all.runs()).toEqual(['running']);
      return { ...all, other, made, schedules };
    };

    it('it is changed, is run as it is then', async () => {
      const { clock, store, away, held, made, schedules } = await kept();
      await schedules.update('made', { parameters: { depth: 2 } });
      away.clear();
      await clock.advance(20 * second);
      expect(held).toHaveLength(1);
      expect(await store.runs('acme').list({ limit: 9 })).toMatchObject([
        { status: 'running', parameters: { depth: 2 } },
        { status: 'cancelled', parameters: { depth: 1 } },
      ]);
      expect(await made()).toMatchObject({ outcome: 'running', attempts: 1 });
    });

    it('it is changed, and its lease could not be given back, is run as it is then', async () => {
      const { clock, store, away, held, schedules } = await kept();
      const [run] = await store.runs('acme').list({ limit: 1 });
      await store.leases.acquire(taskKey(run as Run), run?.id ?? '', 30_000);
      await schedules.update('made', { parameters: { depth: 2 } });
      away.clear();
      await clock.advance(20 * second);
      expect(held).toHaveLength(1);
    });

    it('it is paused, is left out, and its run has not failed', async () => {
      const { clock, away, held, made, runs, schedules } = await kept();
      await schedules.pause('made');
      away.clear();
      await clock.advance(3 * minute);
      expect(held).toHaveLength(0);
      expect(await runs()).toEqual(['cancelled']);
      expect(await made()).toMatchObject({ outcome: 'paused' });
    });

    it.each(['skip', 'queue'] as const)('another is at its task, does as its rules say (%s)', async (overlap) => {
      const { clock, away, held, made, runs, other } = await kept({ overlap });
      await other.runs.beginRun('last', {});
      away.clear();
      await clock.advance(20 * second);
      expect(await runs()).toEqual(['cancelled', 'running']);
      held[0]?.end();
      await clock.advance(10 * second);
      if (overlap === 'skip') expect(await made()).toMatchObject({ outcome: 'overlap' });
      else expect(await runs()).toEqual(['cancelled', 'completed', 'running']);
    });
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

describe('a run that somebody asks for, of a store that keeps it without saying so', () => {
  const setUp = async () => {
    const all = processes();
    const [{ away, store }, { runs: held, task }] = [failing(all.store), lastingTask()];
    const it = await all.begin({ store, tasks: [task] });
    return { ...all, away, held, runs: it.scope({ tenantId: 'acme' }).runs };
  };

  it('begins, as it has been kept', async () => {
    const { clock, away, held, runs } = await setUp();
    away.set('runs.insert', 'unheard');
    const { taskId } = await runs.beginRun('last', {});
    await clock.advance(second);
    held[0]?.end(new Error('no'));
    await clock.advance(second);
    const resumed = await runs.resume(taskId);
    await clock.advance(second);
    held[1]?.end();
    await clock.advance(second);
    expect((await runs.list({ limit: 9 })).items).toMatchObject([
      { taskId: resumed.taskId, status: 'completed' },
      { taskId, status: 'failed' },
    ]);
  });

  it.each([
    [2, 'begins'],
    [20, 'is refused'],
  ])('that is away for %d seconds besides, %s', async (seconds, what) => {
    const { clock, away, held, runs } = await setUp();
    away.set('runs.insert', 'unheard');
    away.set('runs.get', 'unreachable');
    const came = runs.beginRun('last', {}).then(
      () => 'begins',
      ({ code }: { code: string }) => (code === 'STORE_UNAVAILABLE' ? 'is refused' : code),
    );
    await clock.advance(seconds * second);
    away.clear();
    await clock.advance(5 * second);
    expect(await came).toBe(what);
    expect(held).toHaveLength(what === 'begins' ? 1 : 0);
  });

  it('is refused where the store has not kept it', async () => {
    const { away, held, runs } = await setUp();
    away.set('runs.insert', 'unreachable');
    await expect(runs.beginRun('last', {})).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(held).toHaveLength(0);
  });
});
