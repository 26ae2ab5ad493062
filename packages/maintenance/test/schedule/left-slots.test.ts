import { describe, expect, it } from 'vitest';
import type { MaintenanceModule, MaintenanceOptions, Schedule } from '../../src/index.js';
import type { TaskScope } from '../../src/tasks/task.js';
import { queueKey } from '../../src/runs/lease-keys.js';
import { lastingTask } from '../support/lasting-task.js';
import { mortalClock } from '../support/mortal-clock.js';
import { processes } from '../support/processes.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const start = Date.UTC(2026, 0, 1);

describe('a slot that waits', () => {
  const setUp = (rules: Partial<Schedule>, scope: TaskScope = 'cluster') => {
    const [all, lasting] = [processes(start), lastingTask(scope)];
    const { clock, store } = all;
    const begin = (more: Partial<MaintenanceOptions> = {}) =>
      all.begin({
        tasks: [lasting.task],
        schedules: [{ name: 'it', task: 'last', tenantId: 'acme', everyMs: hour, ...rules }],
        ...more,
      });
    /** One that dies when it is told to. */
    const beginMortal = async (more: Partial<MaintenanceOptions> = {}) => {
      const mortal = mortalClock(clock);
      const it = await begin({ ...more, clock: mortal.clock });
      const die = (): void => (mortal.holdUp(), all.forget(it));
      return { it, die, wake: () => mortal.wake() };
    };
    const stop = async (it: MaintenanceModule): Promise<void> => {
      let stopped = false;
      void it.stop().then(() => (stopped = true));
      while (!stopped) await clock.advance(second);
    };
    const slots = async () => (await store.slots('acme').list({ schedule: 'it', limit: 20 })).reverse();
    /** Of the slot that many hours after the start. */
    const slot = async (hours: number) => (await slots()).find(({ slotAt }) => slotAt === start + hours * hour);
    const outcomes = async () => (await slots()).map(({ outcome, attempts }) => `${outcome} ${attempts}`);
    const runs = async () => (await store.runs('acme').list({ limit: 20 })).reverse();
    return { clock, store, held: lasting.runs, begin, beginMortal, stop, slots, slot, outcomes, runs };
  };
  const acme = (it: MaintenanceModule) => it.scope({ tenantId: 'acme' });

  describe('for another run', () => {
    const queue = { overlap: 'queue' } as const;
    /** Two hours after the start: the run of the first slot is under way in one process, and the second slot waits in another. */
    const untilItWaits = async (rules: Partial<Schedule> = {}) => {
      const all = setUp({ ...queue, ...rules });
      const busy = await all.begin({ hostId: 'busy' });
      await all.clock.advance(hour + second);
      acme(busy).scheduler.stop();
      const mortal = await all.beginMortal();
      await all.clock.advance(hour);
      expect(await all.outcomes()).toEqual(['running 1', 'waiting 0']);
      return { ...all, ...mortal };
    };

    it('is run by another process when its own is stopped, once', async () => {
      const { clock, it, begin, held, stop, slot, outcomes } = await untilItWaits();
      await begin();
      await begin({ hostId: 'other' });
      await stop(it);
      await clock.advance(2 * minute);
      expect(await outcomes()).toEqual(['running 1', 'waiting 0']);
      const left = await slot(2);
      expect(left).toMatchObject({ endedAt: null, message: null });
      expect(left?.instance).not.toBe('host/0#1');
      held[0]?.end();
      await clock.advance(2 * second);
      expect(await outcomes()).toEqual(['completed 1', 'running 1']);
      held[1]?.end();
      await clock.advance(30 * minute);
      expect(await outcomes()).toEqual(['completed 1', 'completed 1']);
      expect(held).toHaveLength(2);
    });

    it('is run by another process when its own has died, once; and by nobody who was only held up', async () => {
      const { clock, begin, die, wake, held, outcomes, slot } = await untilItWaits();
      die();
      await clock.advance(minute);
      await begin();
      await begin({ hostId: 'other' });
      await clock.advance(2 * minute);
      expect((await slot(2))?.instance).not.toBe('host/0#1');
      held[0]?.end();
      await clock.advance(2 * second);
      expect(await outcomes()).toEqual(['completed 1', 'running 1']);
      held[1]?.end();
      await clock.advance(2 * second);
      wake();
      await clock.advance(minute);
      expect(await outcomes()).toEqual(['completed 1', 'completed 1']);
      expect(held).toHaveLength(2);
    });

    it('is begun by nobody who was taken for dead, while the heir waits', async () => {
      const { clock, begin, die, wake, held, outcomes, slot } = await untilItWaits();
      die();
      await clock.advance(minute);
      await begin({ hostId: 'other' });
      await clock.advance(second);
      expect((await slot(2))?.instance).toBe('other/0#1');
      held[0]?.end();
      wake();
      await clock.advance(5 * second);
      expect(await outcomes()).toEqual(['completed 1', 'running 1']);
      expect((await slot(2))?.instance).toBe('other/0#1');
      expect(held).toHaveLength(2);
    });

    it('keeps its place in the queue, though the lease of that outlasts its process', async () => {
      const { clock, store, begin, die, held, slot } = await untilItWaits();
      die();
      await clock.advance(minute);
      await store.leases.acquire(queueKey('acme', 'it', ''), 'the dead', 20 * second);
      await begin({ hostId: 'other' });
      await clock.advance(25 * second);
      expect(await slot(2)).toMatchObject({ outcome: 'waiting', instance: 'other/0#1' });
      held[0]?.end();
      await clock.advance(2 * second);
      expect(await slot(2)).toMatchObject({ outcome: 'running', attempts: 1 });
    });

    it('waits for a process that fires schedules', async () => {
      const { clock, it, begin, held, stop, slot, store } = await untilItWaits();
      const idle = await begin({ hostId: 'idle', startScheduler: false });
      await stop(it);
      await clock.advance(5 * minute);
      const message = 'The process was stopped as it waited.';
      expect(await slot(2)).toMatchObject({ outcome: 'waiting', message, instance: 'host/0#1' });
      expect((await store.openSlots(9)).length).toBe(2);
      acme(idle).scheduler.start();
      held[0]?.end();
      await clock.advance(2 * second);
      expect(await slot(2)).toMatchObject({ outcome: 'running', message: null, instance: 'idle/0#1' });
    });

    it('is taken up by its own process when its scheduler is started again', async () => {
      const { clock, it, held, slot } = await untilItWaits();
      acme(it).scheduler.stop();
      await clock.advance(minute);
      held[0]?.end();
      await clock.advance(minute);
      expect(held).toHaveLength(1);
      expect(await slot(2)).toMatchObject({ outcome: 'waiting', endedAt: expect.any(Number) as unknown });
      acme(it).scheduler.start();
      await clock.advance(2 * second);
      expect(await slot(2)).toMatchObject({ outcome: 'running', endedAt: null, attempts: 1 });
    });

    it('is left out when nobody comes to it within the grace', async () => {
      for (const [graceMs, gone, outcome] of [
        [20 * minute, 19 * minute, 'waiting'],
        [20 * minute, 21 * minute, 'grace_passed'],
        [0, minute, 'waiting'],
        [0, 3 * minute, 'grace_passed'],
      ] as const) {
        const { clock, it, begin, stop, slot } = await untilItWaits({ graceMs });
        // However long it has waited.
        await clock.advance(30 * minute);
        await stop(it);
        await clock.advance(gone);
        await begin();
        await clock.advance(second);
        const found = await slot(2);
        expect(found?.outcome, `${gone} of ${graceMs}`).toBe(outcome);
        if (outcome === 'grace_passed')
          expect(found).toMatchObject({
            attempts: 0,
            message: 'The process was gone for longer than the grace as it waited.',
          });
      }
    });

    it('counts the grace from when its process was last seen', async () => {
      const { clock, begin, die, slot } = await untilItWaits({ graceMs: 10 * minute });
      await begin({ hostId: 'other' });
      await clock.advance(30 * minute);
      die();
      await clock.advance(3 * minute);
      expect(await slot(2)).toMatchObject({ outcome: 'waiting', instance: 'other/0#1' });
    });

    it('counts the grace from when a run of its process last told of itself, when nobody else has seen that', async () => {
      for (const [gone, outcome] of [
        [minute, 'waiting'],
        [25 * minute, 'grace_passed'],
      ] as const) {
        const { clock, begin, beginMortal, slot, outcomes } = setUp({ ...queue, graceMs: 20 * minute });
        const { die } = await beginMortal();
        await clock.advance(2 * hour + 40 * minute);
        expect(await outcomes()).toEqual(['running 1', 'waiting 0']);
        die();
        await clock.advance(gone);
        await begin();
        await clock.advance(2 * minute);
        expect(await slot(2), `${gone}`).toMatchObject({ outcome: outcome === 'waiting' ? 'running' : outcome });
      }
    });

    it('is left out when the schedule was paused meanwhile', async () => {
      const { clock, it, begin, stop, slot } = await untilItWaits();
      await stop(it);
      const heir = await begin({ startScheduler: false });
      await acme(heir).schedules.pause('it');
      acme(heir).scheduler.start();
      await clock.advance(2 * second);
      const message = 'The schedule was paused as it waited.';
      expect(await slot(2)).toMatchObject({ outcome: 'paused', message, attempts: 0 });
    });
  });

  describe('for its retry', () => {
    const daily = { everyMs: day, retries: 1, retryAfterMs: hour } as const;
    /** A day after the start: the first run has failed, and the next is to begin in an hour. */
    const untilItWaits = async (rules: Partial<Schedule> = {}) => {
      const all = setUp({ ...daily, ...rules });
      const mortal = await all.beginMortal();
      await all.clock.advance(day + second);
      all.held[0]?.end(new Error('no'));
      await all.clock.advance(second);
      expect(await all.outcomes()).toEqual(['retrying 1']);
      return { ...all, ...mortal };
    };

    it.each(['stopped', 'dead'])(
      'has that at its time, and no more than there may be, when its process is %s',
      async (how) => {
        const { clock, it, begin, die, stop, held, outcomes, runs, slot } = await untilItWaits();
        if (how === 'dead') die();
        else await stop(it);
        await clock.advance(10 * minute);
        const heir = await begin({ hostId: 'other' });
        await clock.advance(minute);
        expect(await slot(24)).toMatchObject({
          outcome: 'retrying',
          attempts: 1,
          instance: 'other/0#1',
          endedAt: null,
        });
        await clock.advance(48 * minute);
        expect(held).toHaveLength(1);
        await clock.advance(2 * minute);
        expect(await outcomes()).toEqual(['running 2']);
        const [first, second_] = await runs();
        expect(second_).toMatchObject({ resumes: first?.id, trigger: 'schedule' });
        held[1]?.end(new Error('no'));
        await clock.advance(3 * hour);
        expect(await outcomes()).toEqual(['failed 2']);
        expect(held).toHaveLength(2);
        expect(await acme(heir).schedules.explainSkip('it', start + day)).toMatchObject({
          ran: true,
          reason: 'failed',
        });
      },
    );

    it('has it without a grace, when a process is there at its time', async () => {
      const { clock, it, begin, stop, held } = await untilItWaits({ catchUp: 'skip' });
      await stop(it);
      await clock.advance(50 * minute);
      await begin();
      await clock.advance(11 * minute);
      expect(held).toHaveLength(2);
    });

    it('does not have it when its time is longer ago than the grace', async () => {
      const { clock, it, begin, stop, held, slot } = await untilItWaits({ graceMs: hour });
      await stop(it);
      await clock.advance(2 * hour);
      await begin();
      await clock.advance(minute);
      const message = 'Its run failed, and the process was gone for longer than the grace before the next try.';
      expect(await slot(24)).toMatchObject({ outcome: 'grace_passed', message, attempts: 1 });
      expect(held).toHaveLength(1);
    });

    it('does not have it when somebody has gone on with its run', async () => {
      const { clock, it, begin, stop, held, slot, runs } = await untilItWaits();
      await stop(it);
      const heir = await begin({ startScheduler: false });
      await acme(heir).runs.resume((await runs())[0]?.id ?? '');
      held[1]?.end();
      acme(heir).scheduler.start();
      await clock.advance(hour + second);
      expect(await slot(24)).toMatchObject({ outcome: 'refused', attempts: 1 });
      expect(held).toHaveLength(2);
    });

    it('is taken over once, by the one process that knows its schedule; and closed when none is left', async () => {
      const { clock, it, begin, stop, slot } = await untilItWaits();
      await begin({ hostId: 'stranger', schedules: [] });
      await stop(it);
      await clock.advance(10 * minute);
      expect(await slot(24)).toMatchObject({ outcome: 'retrying', instance: 'host/0#1' });
      const heir = await begin({ hostId: 'heir' });
      await clock.advance(second);
      expect(await slot(24)).toMatchObject({ outcome: 'retrying', instance: 'heir/0#1' });
      await stop(heir);
      await clock.advance(14 * minute);
      expect(await slot(24)).toMatchObject({ outcome: 'retrying', instance: 'heir/0#1' });
      await clock.advance(2 * minute);
      const message = 'Its run failed, and the process was stopped before the next try.';
      expect(await slot(24)).toMatchObject({ outcome: 'abandoned', message, attempts: 1 });
    });
  });

  it('for one that was missed before it does not begin where the scheduler was stopped, but elsewhere', async () => {
    const { clock, store, begin, held, slots } = setUp({ catchUp: 'all', graceMs: 5 * hour });
    const closed = {
      outcome: 'completed' as const,
      instance: 'a/0#1',
      runId: null,
      attempts: 1,
      message: null,
      nextAt: start,
    };
    const before = { schedule: 'it', scopeId: '', slotAt: start - 2 * hour, claimedAt: start, endedAt: start };
    await store.slots('acme').claim({ ...closed, ...before });
    const it = await begin();
    await clock.advance(second);
    acme(it).scheduler.stop();
    held[0]?.end();
    await clock.advance(second);
    expect(held).toHaveLength(1);
    await begin({ hostId: 'other' });
    await clock.advance(second);
    expect((await slots()).slice(1).map(({ outcome, instance }) => [outcome, instance])).toEqual([
      ['completed', 'host/0#1'],
      ['running', 'other/0#1'],
    ]);
  });

  it('of a machine waits for that, and no other takes it', async () => {
    const { clock, begin, beginMortal, held, slot } = setUp({ everyMs: day, retries: 1, retryAfterMs: hour }, 'host');
    const { die } = await beginMortal();
    await clock.advance(day + second);
    held[0]?.end(new Error('no'));
    await clock.advance(second);
    await begin({ hostId: 'other' });
    die();
    await clock.advance(3 * hour);
    const message = 'Its run failed, and the process died before the next try.';
    expect(await slot(24)).toMatchObject({ outcome: 'retrying', scopeId: 'host', instance: 'host/0#1', message });
    await begin();
    await clock.advance(second);
    expect(await slot(24)).toMatchObject({ outcome: 'running', attempts: 2, message: null });
    expect(held).toHaveLength(2);
  });

  it('of a process that is gone is closed', async () => {
    const { clock, begin, beginMortal, stop, held, slots } = setUp({ everyMs: day, retries: 1 }, 'process');
    const [stopped, dead] = [await begin(), await beginMortal()];
    await clock.advance(day + second);
    for (const run of held) run.end(new Error('no'));
    await clock.advance(second);
    await begin({ hostId: 'other' });
    await stop(stopped);
    dead.die();
    await clock.advance(3 * minute);
    expect((await slots()).map(({ outcome, message }) => [outcome, message]).sort()).toEqual([
      ['abandoned', 'Its run failed, and the process died before the next try.'],
      ['abandoned', 'Its run failed, and the process was stopped before the next try.'],
    ]);
  });

  it('for one that was missed before it runs once the task is free, though it is to skip what it overlaps with', async () => {
    const { clock, store, begin, stop, held, outcomes } = setUp({ catchUp: 'all', graceMs: 5 * hour });
    const closed = {
      outcome: 'completed' as const,
      instance: 'a/0#1',
      runId: null,
      attempts: 1,
      message: null,
      nextAt: start,
    };
    const before = { schedule: 'it', scopeId: '', slotAt: start - 3 * hour, claimedAt: start, endedAt: start };
    await store.slots('acme').claim({ ...closed, ...before });
    const it = await begin();
    await clock.advance(second);
    expect(await outcomes()).toEqual(['completed 1', 'running 1', 'waiting 0', 'waiting 0']);
    // As a run that is gone on with, this one is at the task before whoever takes the others over.
    await stop(it);
    const heir = await begin({ startScheduler: false });
    await acme(heir).runs.begin({ maintenanceType: 'last', parameters: {} });
    acme(heir).scheduler.start();
    await clock.advance(minute);
    expect(await outcomes()).toEqual(['completed 1', 'cancelled 1', 'waiting 0', 'waiting 0']);
    for (const [index, left] of ['waiting 0', 'completed 1'].entries()) {
      held[1 + index]?.end();
      await clock.advance(2 * second);
      expect((await outcomes()).slice(2)).toEqual(index === 0 ? ['running 1', left] : [left, 'running 1']);
    }
    held[3]?.end();
    await clock.advance(2 * second);
    expect((await outcomes()).slice(2)).toEqual(['completed 1', 'completed 1']);
  });
});
