import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Clock } from '@dotmac/core';
import type { MaintenanceModule, MaintenanceOptions, Schedule } from '../../src/index.js';
import { taskKey } from '../../src/runs/lease-keys.js';
import { lastingTask } from '../support/lasting-task.js';
import { mortalClock } from '../support/mortal-clock.js';
import { processes } from '../support/processes.js';
import { heapOf, sweepingTask } from '../support/sweeping-task.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];

describe('a slot whose run is broken off as its process is stopped or dies', () => {
  const [lasts, sweeps] = ['last', 'sweep'];
  /** A day after the start, as a run that a process has begun for the first slot is under way. */
  const setUp = async (rules: Partial<Schedule>, scope: 'host' | 'cluster' = 'cluster') => {
    const [all, lasting, heap] = [processes(), lastingTask(scope), heapOf(30)];
    const { clock, store } = all;
    const tasksBy = ({ sleep }: Pick<Clock, 'sleep'>) => [
      lasting.task,
      sweepingTask(heap, { before: () => sleep(10 * second) }),
    ];
    const schedules = [{ name: 'it', task: lasts, tenantId: 'acme', everyMs: day, retryAfterMs: hour, ...rules }];
    const begin = (more: Partial<MaintenanceOptions> = {}) => all.begin({ tasks: tasksBy(clock), schedules, ...more });
    const mortal = mortalClock(clock);
    const it = await begin({ clock: mortal.clock, tasks: tasksBy(mortal.clock) });
    await clock.advance((rules.everyMs ?? day) + 15 * second);
    const breakOff = {
      dead: async () => (mortal.holdUp(), all.forget(it), await clock.advance(minute)),
      stopped: async () => {
        let stopped = false;
        void it.stop().then(() => (stopped = true));
        while (!stopped) await clock.advance(second);
      },
    };
    const slot = async () => (await store.slots('acme').list({ schedule: 'it', limit: 20 }))[0];
    const runs = async () => (await store.runs('acme').list({ limit: 20 })).reverse();
    expect(await slot()).toMatchObject({ outcome: 'running', attempts: 1 });
    return { clock, store, it, begin, breakOff, wake: () => mortal.wake(), held: lasting.runs, heap, slot, runs };
  };
  const acme = (it: MaintenanceModule) => it.scope({ tenantId: 'acme' });

  describe.each(['stopped', 'dead'] as const)('(%s)', (how) => {
    it('is tried again by another, after its time, as often as it may be', async () => {
      const { clock, begin, breakOff, held, slot, runs } = await setUp({ retries: 2 });
      await breakOff[how]();
      await begin({ hostId: 'other' });
      await begin({ hostId: 'another' });
      await clock.advance(minute);
      expect(await slot()).toMatchObject({ outcome: 'retrying', attempts: 1, endedAt: null, message: null });
      expect((await slot())?.instance).not.toBe('host/0#1');
      await clock.advance(50 * minute);
      expect(held).toHaveLength(1);
      await clock.advance(10 * minute);
      expect(await slot()).toMatchObject({ outcome: 'running', attempts: 2 });
      held[1]?.end(new Error('no'));
      await clock.advance(2 * hour + second);
      expect(await slot()).toMatchObject({ outcome: 'running', attempts: 3 });
      held[2]?.end(new Error('no'));
      await clock.advance(10 * hour);
      expect(await slot()).toMatchObject({ outcome: 'failed', attempts: 3 });
      expect((await runs()).map(({ trigger }) => trigger)).toEqual(['schedule', 'schedule', 'schedule']);
    });

    it('is tried again by the same, when it is back', async () => {
      const { clock, begin, breakOff, held, slot } = await setUp({ retries: 1 }, 'host');
      await begin({ hostId: 'other' });
      await breakOff[how]();
      await clock.advance(20 * minute);
      expect(await slot()).toMatchObject({ outcome: 'retrying', attempts: 1, endedAt: expect.any(Number) as unknown });
      const what = how === 'dead' ? 'died' : 'was stopped';
      expect((await slot())?.message).toBe(`Its run was broken off, and the process ${what} before the next try.`);
      await begin();
      await clock.advance(50 * minute);
      expect(await slot()).toMatchObject({ outcome: 'running', attempts: 2 });
      held[1]?.end();
      await clock.advance(second);
      expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 2 });
    });

    it('is not tried again where its schedule has no retries, or none any more', async () => {
      for (const rules of [{}, { retries: 1, retryAfterMs: second }]) {
        const { clock, begin, breakOff, held, slot } = await setUp(rules);
        const attempts = (rules.retries ?? 0) + 1;
        if (attempts > 1) {
          held[0]?.end(new Error('no'));
          await clock.advance(2 * second);
        }
        await breakOff[how]();
        await begin({ hostId: 'other' });
        await clock.advance(3 * hour);
        const outcome = how === 'dead' ? 'abandoned' : 'cancelled';
        expect(await slot()).toMatchObject({ outcome, attempts });
        expect(held).toHaveLength(attempts);
      }
    });

    it('has no other run where that is gone on with', async () => {
      const { clock, begin, breakOff, heap, slot, runs } = await setUp({ task: sweeps, retries: 2 });
      await breakOff[how]();
      await begin({ hostId: 'other' });
      await clock.advance(5 * hour);
      expect((await runs()).map(({ trigger }) => trigger)).toEqual(['schedule', 'recovery']);
      expect(heap.items).toEqual([]);
      expect(await slot()).toMatchObject({ outcome: how === 'dead' ? 'abandoned' : 'cancelled', attempts: 1 });
    });

    it('is tried again from the beginning where nobody can go on with what its run had kept', async () => {
      const { clock, begin, breakOff, heap, slot, runs } = await setUp({ task: sweeps, retries: 1 });
      await breakOff[how]();
      const stricter = sweepingTask(heap);
      const tasks = [{ ...stricter, parameters: z.object({ keep: z.number().min(1).default(1) }) }];
      await begin({ hostId: 'other', tasks });
      await clock.advance(minute);
      expect(await slot()).toMatchObject({ outcome: 'retrying', attempts: 1, endedAt: null });
      await clock.advance(hour);
      expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 2 });
      expect(await runs()).toMatchObject([
        { cursors: { heap: {} }, resumedBy: null },
        { trigger: 'schedule', resumes: null, parameters: { keep: 1 } },
      ]);
      expect(heap.items).toHaveLength(1);
    });

    it('is not tried again when its run was to be cancelled', async () => {
      const { clock, store, begin, breakOff, held, slot, runs } = await setUp({ retries: 2 });
      await store.runs('acme').requestCancel((await runs())[0]?.id ?? '', clock.now());
      await breakOff[how]();
      await begin({ hostId: 'other' });
      await clock.advance(5 * hour);
      expect(await slot()).toMatchObject({ outcome: 'cancelled', attempts: 1 });
      expect(held).toHaveLength(1);
    });

    it('is left to those that know its schedule', async () => {
      const { clock, begin, breakOff, held, slot } = await setUp({ retries: 1 });
      await begin({ hostId: 'stranger', schedules: [] });
      await breakOff[how]();
      await clock.advance(10 * minute);
      const heir = await begin({ hostId: 'heir' });
      await clock.advance(second);
      expect(await slot()).toMatchObject({ outcome: 'retrying', instance: 'heir/0#1', attempts: 1 });
      await clock.advance(hour);
      expect(held).toHaveLength(2);
      expect(await acme(heir).schedules.explainSkip('it', (await slot())?.slotAt ?? 0)).toMatchObject({ ran: true });
    });
  });

  it('is tried again from where it was when another run kept all from going on with it', async () => {
    const { clock, store, begin, breakOff, heap, slot, runs } = await setUp({ task: sweeps, retries: 1 });
    await breakOff.stopped();
    const [run] = await runs();
    await store.leases.acquire(taskKey(run!), 'another', 16 * minute);
    await begin({ hostId: 'other' });
    await clock.advance(hour + 5 * minute);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 2 });
    expect((await runs())[1]).toMatchObject({ trigger: 'schedule', resumes: run?.id });
    expect(heap.items).toEqual([]);
  });

  it('is not tried again when nobody came within the grace, counted from when its run last told of itself', async () => {
    const message = 'Its run was broken off, and the process was gone for longer than the grace before the next try.';
    for (const [rules, worked, gone, outcome] of [
      [{ catchUp: 'skip' }, 0, 5 * day, 'grace_passed'],
      [{ catchUp: 'skip' }, 0, 50 * minute, 'retrying'],
      [{ graceMs: 2 * hour }, 0, 4 * hour, 'grace_passed'],
      [{ graceMs: 2 * hour }, 0, 2 * hour, 'running'],
      // However long the run has lasted, with nothing to tell.
      [{ catchUp: 'skip' }, 9 * hour, 50 * minute, 'retrying'],
    ] as const) {
      const { clock, begin, breakOff, held, slot } = await setUp({ everyMs: 7 * day, retries: 1, ...rules });
      await clock.advance(worked);
      await breakOff.dead();
      await clock.advance(gone);
      await begin();
      await clock.advance(2 * second);
      const about = `${gone} after ${worked}`;
      expect(await slot(), about).toMatchObject({ outcome, ...(outcome === 'grace_passed' && { message }) });
      await clock.advance(hour);
      expect(held.length, about).toBe(outcome === 'grace_passed' ? 1 : 2);
    }
  });

  it('waits for the end of its run, whose lease may outlast that of its process', async () => {
    const { clock, store, begin, breakOff, held, slot, runs } = await setUp({ retries: 1 });
    await breakOff.dead();
    const [run] = await runs();
    await store.leases.acquire(taskKey(run!), 'the dead', 90 * second);
    await begin({ hostId: 'other' });
    await clock.advance(second);
    expect(await slot()).toMatchObject({ outcome: 'running', attempts: 1, instance: 'host/0#1' });
    await clock.advance(3 * minute);
    expect(await slot()).toMatchObject({ outcome: 'retrying', attempts: 1, instance: 'other/0#1' });
    await clock.advance(hour);
    expect(held).toHaveLength(2);
  });

  it('is not changed by who was taken for dead, and was only held up', async () => {
    const { clock, begin, breakOff, wake, held, slot } = await setUp({ retries: 1 });
    await breakOff.dead();
    await begin({ hostId: 'other' });
    await clock.advance(minute);
    held[0]?.end();
    wake();
    await clock.advance(minute);
    expect(await slot()).toMatchObject({ outcome: 'retrying', instance: 'other/0#1' });
    await clock.advance(hour);
    held[1]?.end();
    await clock.advance(hour);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 2, instance: 'other/0#1' });
    expect(held).toHaveLength(2);
  });
});
