import { afterEach, describe, expect, it } from 'vitest';
import { newId } from '@dotmac/core';
import { fakeClock, type FakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceModule, type Schedule } from '../../src/index.js';
import type { Run } from '../../src/runs/run.js';
import { lastingTask } from '../support/lasting-task.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const start = Date.UTC(2026, 0, 1);
const nights = { cron: '0 22 * * *', windows: [{ from: '22:00', until: '06:00' }] };

describe('the windows of a schedule', () => {
  const modules: { it: MaintenanceModule; clock: FakeClock }[] = [];
  afterEach(async () => {
    for (const { it, clock } of modules.splice(0)) {
      let stopped = false;
      void it.stop().then(() => (stopped = true));
      while (!stopped) await clock.advance(second);
    }
  });
  const setUp = (rules: Partial<Schedule>, clock = fakeClock(start)) => {
    const [lasting, store] = [lastingTask(), memoryMaintenanceStore({ clock })];
    const schedules = [{ name: 'it', task: 'last', tenantId: 'acme', ...rules }];
    const it = createMaintenance({ store, clock, tasks: [lasting.task], schedules, hostId: 'host' });
    modules.push({ it, clock });
    const acme = it.scope({ tenantId: 'acme' });
    const slots = async () =>
      (await acme.schedules.slots('it')).items.map(
        ({ slotAt, outcome, message }) => `${new Date(slotAt).toISOString().slice(11, 16)} ${outcome}: ${message}`,
      );
    return { it, clock, store, slots, held: lasting.runs, acme };
  };

  it('hold for what is begun again after it failed', async () => {
    const { it, clock, slots, held } = setUp({ ...nights, retries: 2, retryAfterMs: hour });
    await it.start();
    await clock.advance(22 * hour + second);
    held[0]?.end(new Error('no'));
    await clock.advance(hour + second);
    expect(held).toHaveLength(2);
    // Half an hour before it closes: the next try would be two hours later.
    await clock.advance(6 * hour + 29 * minute);
    held[1]?.end(new Error('no'));
    await clock.advance(2 * hour + second);
    expect(held).toHaveLength(2);
    expect(await slots()).toEqual(['22:00 outside_window: Its run failed, and the window closed before the next try.']);
  });

  it('hold for what is made up for, one after another', async () => {
    const windows = [{ from: '01:00', until: '05:00' }];
    const { it, clock, slots, held, acme } = setUp({ cron: '0 1,2,3 * * *', windows, catchUp: 'all', graceMs: day });
    await it.start();
    await clock.advance(hour + second);
    held[0]?.end();
    await clock.advance(second);
    acme.scheduler.stop();
    await clock.advance(3 * hour + 30 * minute);
    acme.scheduler.start();
    await clock.advance(20 * minute);
    expect(held).toHaveLength(2);
    await clock.advance(15 * minute);
    expect(held[1]?.context.isOver).toBe(true);
    held[1]?.end();
    await clock.advance(second);
    expect(held).toHaveLength(2);
    expect((await slots()).slice(0, 2)).toEqual([
      '03:00 outside_window: The window closed as it waited.',
      '02:00 completed: Its run completed.',
    ]);
  });

  describe('hold for runs whose process died', () => {
    const died: Omit<Run, 'tenantId'> = {
      ...{ id: newId(), task: 'last', scopeId: '', trigger: 'schedule', schedule: 'it', actor: 'schedule:it' },
      ...{ parameters: {}, dryRun: false, planId: null, asOf: start, confirmed: false, resumes: null, resumedBy: null },
      ...{ status: 'running', stopReason: null, cancelRequestedAt: null, startedAt: start, endedAt: null },
      ...{ itemsProcessed: 0, itemsCleaned: 0, space: { returnedBytes: 0, reusableBytes: 0, estimatedBytes: 0 } },
      ...{ errorCode: null, errorMessage: null, progress: null, cursors: { a: { cursor: 1 } }, log: [], details: {} },
    };
    /** The process comes back at that hour, and the dead one's run is found. */
    const backAt = async (at: number, rules: Partial<Schedule>, run = died, paused = false) => {
      const all = setUp(rules, fakeClock(start + at));
      if (paused) await all.acme.schedules.pause('it');
      await all.store.runs('acme').insert(run);
      await all.it.start();
      await all.clock.advance(second);
      const { status, stopReason } = await all.acme.runs.get(run.id);
      expect({ status, stopReason }).toEqual({ status: 'failed', stopReason: 'abandoned' });
      return all;
    };

    it('which go on while the window is open, until it closes', async () => {
      const { clock, held, store } = await backAt(4 * hour, nights);
      expect(held).toHaveLength(1);
      const [run] = await store.runs('acme').list({ limit: 1 });
      expect(run).toMatchObject({ status: 'running', trigger: 'recovery', schedule: 'it', resumes: died.id });
      await clock.advance(2 * hour - 2 * second);
      expect(held[0]?.context.isOver).toBe(false);
      await clock.advance(2 * second);
      expect(held[0]?.context.isOver).toBe(true);
    });

    it('which take no longer than the schedule says', async () => {
      const { clock, held, store } = await backAt(4 * hour, { ...nights, timeoutMs: hour });
      expect(held).toHaveLength(1);
      await clock.advance(hour + second);
      expect(await store.runs('acme').list({ limit: 1 })).toMatchObject([{ status: 'cancelled', trigger: 'recovery' }]);
    });

    it.each<[string, Parameters<typeof backAt>]>([
      ['the window is shut', [12 * hour, nights]],
      ['the schedule is paused', [4 * hour, nights, died, true]],
      ['the schedule is gone', [4 * hour, nights, { ...died, schedule: 'another' }]],
    ])('which are left alone when %s', async (_, given) => {
      const { held } = await backAt(...given);
      expect(held).toEqual([]);
    });

    it('and bind no run that somebody asked for', async () => {
      const { held } = await backAt(12 * hour, nights, { ...died, trigger: 'request' });
      expect(held).toHaveLength(1);
    });
  });
});
