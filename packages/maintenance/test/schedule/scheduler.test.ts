import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { fakeClock, type FakeClock } from '@dotmac/core/testing';
import {
  createMaintenance,
  memoryMaintenanceStore,
  type MaintenanceModule,
  type MaintenanceOptions,
  type MaintenanceStore,
  type Schedule,
} from '../../src/index.js';
import { lastingTask } from '../support/lasting-task.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const start = Date.UTC(2026, 0, 1);

describe('the scheduler', () => {
  const modules: { it: MaintenanceModule; clock: FakeClock }[] = [];
  afterEach(async () => {
    for (const { it, clock } of modules.splice(0)) {
      let stopped = false;
      void it.stop().then(() => (stopped = true));
      while (!stopped) await clock.advance(second);
    }
  });
  const setUp = (
    rules: Partial<Schedule>,
    {
      clock = fakeClock(start),
      store = memoryMaintenanceStore({ clock }),
      lasting = lastingTask(),
      ...more
    }: { clock?: FakeClock; store?: MaintenanceStore; lasting?: ReturnType<typeof lastingTask> } & Partial<
      Omit<MaintenanceOptions, 'clock' | 'store'>
    > = {},
  ) => {
    const schedules = [{ name: 'it', task: 'last', tenantId: 'acme', ...rules }];
    const it = createMaintenance({ store, clock, tasks: [lasting.task], schedules, hostId: 'host', ...more });
    modules.push({ it, clock });
    const acme = it.scope({ tenantId: 'acme', actor: 'user:1' });
    const outcomes = async () =>
      (await acme.schedules.slots('it')).items.map(
        ({ slotAt, outcome }) => `${new Date(slotAt).toISOString().slice(11, 16)} ${outcome}`,
      );
    return { it, clock, store, outcomes, held: lasting.runs, lasting, schedules: acme.schedules };
  };

  it('leaves a slot out while another run is at the task', async () => {
    const { it, clock, held, outcomes } = setUp({ everyMs: hour });
    await it.start();
    await clock.advance(2 * hour + second);
    expect(await outcomes()).toEqual(['02:00 overlap', '01:00 running']);
    held[0]?.end();
    await clock.advance(hour);
    expect(await outcomes()).toEqual(['03:00 running', '02:00 overlap', '01:00 completed']);
  });

  it('lets tenants take turns where more is due than it can look at', async () => {
    const clock = fakeClock(start);
    const store = memoryMaintenanceStore({ clock });
    const claims: { tenantId: string; letThrough(): void }[] = [];
    let isOpen = false;
    const slots = store.slots.bind(store);
    const held = vi.spyOn(store, 'slots').mockImplementation((tenantId) => {
      const own = slots(tenantId);
      const claim: typeof own.claim = async (slot) => {
        await new Promise<void>((resolve) => {
          claims.push({ tenantId, letThrough: resolve });
          if (isOpen) resolve();
        });
        return own.claim(slot);
      };
      return { ...own, claim };
    });
    onTestFinished(() => held.mockRestore());
    const schedules: Schedule[] = Array.from({ length: 40 }, (_, place) => {
      return { task: 'last', cron: '0 * * * *', name: `of-many-${place}`, tenantId: 'many' };
    });
    schedules.push({ task: 'last', cron: '1 0 1 * * *', name: 'of-few', tenantId: 'few' });
    const { it } = setUp({}, { clock, store, schedules });
    await it.start();
    await clock.advance(hour + 2 * second);
    const underWay = claims.length;
    expect(underWay).toBeLessThan(40);
    expect(claims.map(({ tenantId }) => tenantId)).not.toContain('few');
    claims[0]?.letThrough();
    await clock.advance(second);
    claims[1]?.letThrough();
    await clock.advance(second);
    expect(claims.slice(underWay).map(({ tenantId }) => tenantId)).toContain('few');
    isOpen = true;
    for (const { letThrough } of claims) letThrough();
  });

  it('lets one slot wait for another run, and no second', async () => {
    const { it, clock, held, outcomes } = setUp({ everyMs: hour, overlap: 'queue' });
    await it.start();
    await clock.advance(3 * hour + second);
    expect(await outcomes()).toEqual(['03:00 overlap', '02:00 waiting', '01:00 running']);
    held[0]?.end();
    await clock.advance(2 * second);
    expect(await outcomes()).toEqual(['03:00 overlap', '02:00 running', '01:00 completed']);
    expect(held).toHaveLength(2);
  });

  it('cancels the run that is in the way, when that is said', async () => {
    const { it, clock, held, outcomes } = setUp({ everyMs: hour, overlap: 'cancel' });
    await it.start();
    await clock.advance(2 * hour + 2 * second);
    expect(await outcomes()).toEqual(['02:00 running', '01:00 cancelled']);
    expect(held).toHaveLength(2);
  });

  it('begins a failed run again, later each time, and no more often than is said', async () => {
    const { it, clock, held, outcomes } = setUp({ everyMs: day, retries: 2, retryAfterMs: minute });
    await it.start();
    await clock.advance(day);
    const fail = async (index: number, waitMs: number) => {
      held[index]?.end(new Error('no'));
      await clock.advance(waitMs - second);
      expect(held).toHaveLength(index + 1);
      await clock.advance(2 * second);
    };
    await fail(0, minute);
    expect(held).toHaveLength(2);
    await fail(1, 2 * minute);
    expect(held).toHaveLength(3);
    await fail(2, 4 * minute);
    expect(held).toHaveLength(3);
    expect(await outcomes()).toEqual(['00:00 failed']);
  });

  it('cancels a run that takes too long', async () => {
    const { it, clock, outcomes } = setUp({ everyMs: hour, timeoutMs: 10 * minute });
    await it.start();
    await clock.advance(hour + 9 * minute);
    expect(await outcomes()).toEqual(['01:00 running']);
    await clock.advance(2 * minute);
    expect(await outcomes()).toEqual(['01:00 timed_out']);
  });

  it.each([0, second])('fires what comes due where what is missed has a grace of %d ms', async (graceMs) => {
    const { it, clock, outcomes } = setUp({ everyMs: hour, graceMs });
    await it.start();
    await clock.advance(hour + second);
    expect(await outcomes()).toEqual(['01:00 running']);
  });

  it('makes up for what was missed once, by the ledger, when it is started again', async () => {
    const first = setUp({ everyMs: 4 * hour });
    await first.it.start();
    await first.clock.advance(4 * hour);
    first.held[0]?.end();
    await first.clock.advance(second);
    await first.it.stop();
    // Two slots go by; the last of them is not two hours old.
    await first.clock.advance(9 * hour);
    const { it, clock, outcomes, held } = setUp(
      { everyMs: 4 * hour },
      { clock: first.clock, store: first.store, lasting: first.lasting },
    );
    await it.start();
    await clock.advance(second);
    expect(await outcomes()).toEqual(['12:00 running', '08:00 grace_passed', '04:00 completed']);
    held.at(-1)?.end();
  });

  it('makes up for all that was missed, one after another, when that is said', async () => {
    const clock = fakeClock(start);
    const store = memoryMaintenanceStore({ clock });
    const rules = { everyMs: hour, catchUp: 'all', graceMs: 5 * hour } as const;
    const { it, held, outcomes } = setUp(rules, { clock, store });
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
    await it.start();
    await clock.advance(second);
    expect(await outcomes()).toEqual(['00:00 waiting', '23:00 waiting', '22:00 running', '21:00 completed']);
    held[0]?.end();
    await clock.advance(second);
    expect(await outcomes()).toEqual(['00:00 waiting', '23:00 running', '22:00 completed', '21:00 completed']);
    expect(held).toHaveLength(2);
  });

  it.each([
    ['second', 'refused', 2],
    ['second', 'heard of no more', 2],
    ['first', 'heard of no more', 1],
  ])('runs all missed slots one after another though the claim of the %s is %s', async (_, how, failingClaim) => {
    const clock = fakeClock(start);
    const store = memoryMaintenanceStore({ clock });
    const rules = { everyMs: hour, catchUp: 'all', graceMs: 5 * hour } as const;
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
    let claims = 0;
    const failing: MaintenanceStore = {
      ...store,
      slots: (tenantId) => {
        const own = store.slots(tenantId);
        const claim: typeof own.claim = async (slot) => {
          claims += 1;
          if (claims !== failingClaim) return own.claim(slot);
          if (how !== 'refused') await own.claim(slot);
          throw new Error('the store is away');
        };
        return { ...own, claim };
      },
    };
    const { it, held, outcomes } = setUp(rules, { clock, store: failing });
    await it.start();
    await clock.advance(2 * second);
    const [done, running, waiting] = ['completed', 'running', 'waiting'];
    for (const expected of [
      [running, waiting, waiting],
      [done, running, waiting],
      [done, done, running],
    ]) {
      expect((await outcomes()).reverse().slice(1)).toEqual(
        expected.map((outcome, index) => `${['22:00', '23:00', '00:00'][index]} ${outcome}`),
      );
      held.at(-1)?.end();
      await clock.advance(3 * second);
    }
    expect(held).toHaveLength(3);
    // What comes due by itself waits for none: the rule for what overlaps is another.
    await clock.advance(2 * hour);
    expect((await outcomes()).slice(0, 2)).toEqual(['02:00 overlap', '01:00 running']);
  });

  it.each([
    ['comes due', start + minute, start + hour],
    ['was missed', start, start],
  ])('runs a slot once that %s and that it has claimed, though the answer of that is lost', async (_, at, slotAt) => {
    const clock = fakeClock(at);
    const store = memoryMaintenanceStore({ clock });
    if (at === slotAt) {
      const closed = {
        outcome: 'completed' as const,
        instance: 'a/0#1',
        runId: null,
        attempts: 1,
        message: null,
        nextAt: start,
      };
      const before = { schedule: 'it', scopeId: '', slotAt: start - hour, claimedAt: start, endedAt: start };
      await store.slots('acme').claim({ ...closed, ...before });
    }
    let claims = 0;
    const failing: MaintenanceStore = {
      ...store,
      slots: (tenantId) => {
        const own = store.slots(tenantId);
        const claim: typeof own.claim = async (slot) => {
          const claimed = await own.claim(slot);
          if ((claims += 1) === 1) throw new Error('the store is away');
          return claimed;
        };
        return { ...own, claim };
      },
    };
    const { it, held } = setUp({ everyMs: hour, catchUp: 'all' }, { clock, store: failing });
    await it.start();
    await clock.advance(slotAt - at + 5 * second);
    const slot = async () => (await store.slots('acme').at('it', slotAt))[0];
    expect(await slot()).toMatchObject({ outcome: 'running', attempts: 1, endedAt: null });
    // It is at it: it takes it for forgotten no more.
    await clock.advance(5 * minute);
    held[0]?.end();
    await clock.advance(5 * minute);
    expect(await slot()).toMatchObject({ outcome: 'completed', attempts: 1 });
    expect(held).toHaveLength(1);
  });

  it('runs a slot of whose claim it has not heard though the store stays away for longer than the grace', async () => {
    const clock = fakeClock(start + minute);
    const store = memoryMaintenanceStore({ clock });
    let isAway = false;
    const away = (): Promise<never> => Promise.reject(new Error('the store is away'));
    const failing: MaintenanceStore = {
      ...store,
      openSlots: (limit) => (isAway ? away() : store.openSlots(limit)),
      slots: (tenantId) => {
        const own = store.slots(tenantId);
        const claim: typeof own.claim = async (slot) => {
          if (isAway) return away();
          await own.claim(slot);
          isAway = true;
          return away();
        };
        return { ...own, claim };
      },
    };
    const { it, held, outcomes } = setUp({ everyMs: hour, graceMs: 5 * minute }, { clock, store: failing });
    await it.start();
    await clock.advance(hour + 20 * minute);
    expect(await outcomes()).toEqual(['01:00 waiting']);
    isAway = false;
    await clock.advance(2 * minute);
    expect(await outcomes()).toEqual(['01:00 running']);
    expect(held).toHaveLength(1);
  });

  it('makes up for nothing that came due before a schedule was ever run', async () => {
    const { it, clock, outcomes } = setUp({ everyMs: 4 * hour }, { clock: fakeClock(start + minute) });
    await it.start();
    await clock.advance(minute);
    expect(await outcomes()).toEqual([]);
  });

  it('is late by a poll at most when the machine was asleep', async () => {
    const { it, clock, outcomes } = setUp({ cron: '0 3 * * *' });
    await it.start();
    await clock.advance(minute);
    // Timers do not run in a machine that sleeps; the hour is another when it wakes.
    clock.set(start + 3 * hour + 5 * minute);
    await clock.advance(11 * second);
    expect(await outcomes()).toEqual(['03:00 running']);
  });

  it('makes up for the slot of a year that was missed, though the one before is older than the history reaches', async () => {
    const rules = { cron: '0 0 1 6 *' };
    const first = setUp(rules, { clock: fakeClock(Date.UTC(2026, 4, 31, 23)) });
    await first.it.start();
    await first.clock.advance(hour + second);
    first.held[0]?.end();
    await first.clock.advance(second);
    for (const days of [100, 300]) {
      first.clock.set(Date.UTC(2026, 5, 1) + days * day);
      await first.clock.advance(2 * minute);
    }
    await first.it.stop();
    first.clock.set(Date.UTC(2027, 5, 1, 2));
    const { it, held } = setUp(rules, { clock: first.clock, store: first.store, lasting: first.lasting });
    await it.start();
    await first.clock.advance(second);
    expect(held).toHaveLength(2);
  });

  describe('whose clock was years fast, and is set right', () => {
    const fast = async () => {
      const all = setUp({ everyMs: hour }, { clock: fakeClock(start + 1_000 * day) });
      await all.it.start();
      await all.clock.advance(hour + second);
      all.held[0]?.end();
      await all.clock.advance(second);
      all.clock.set(start);
      return all;
    };
    const early = async (store: MaintenanceStore) =>
      (await store.slots('acme').list({ schedule: 'it', limit: 9 }))
        .filter(({ slotAt }) => slotAt < start + day)
        .map(({ slotAt, outcome }) => `${(slotAt - start) / hour} ${outcome}`);

    it('fires what comes due by the right time', async () => {
      const { clock, store } = await fast();
      await clock.advance(hour + second);
      expect(await early(store)).toEqual(['1 running']);
    });

    it('does so, too, when it is started anew', async () => {
      const { it: before, clock, store, lasting } = await fast();
      await before.stop();
      const { it } = setUp({ everyMs: hour }, { clock, store, lasting });
      await it.start();
      await clock.advance(hour + second);
      expect(await early(store)).toEqual(['1 running']);
    });

    it('makes up for what was missed by the right time, when it is started anew', async () => {
      const { it: before, clock, store, lasting } = await fast();
      await clock.advance(hour + second);
      lasting.runs.at(-1)?.end();
      await clock.advance(second);
      await before.stop();
      await clock.advance(hour + 10 * minute);
      const { it } = setUp({ everyMs: hour }, { clock, store, lasting });
      await it.start();
      await clock.advance(second);
      expect(await early(store)).toEqual(['2 running', '1 completed']);
    });

    it('tries again what failed by then, when it is started anew', async () => {
      const rules = { everyMs: hour, retries: 1, retryAfterMs: minute };
      const { it: before, clock, store, lasting, held } = setUp(rules, { clock: fakeClock(start + 1_000 * day) });
      await before.start();
      await clock.advance(hour + second);
      held[0]?.end(new Error('no'));
      await clock.advance(second);
      await before.stop();
      clock.set(start);
      const { it } = setUp(rules, { clock, store, lasting });
      await it.start();
      await clock.advance(minute + second);
      expect(held).toHaveLength(2);
    });

    it('hears of schedules that others make', async () => {
      const { clock, store } = await fast();
      const { it, schedules } = setUp({}, { clock, store, schedules: [], startScheduler: false });
      await it.start();
      await schedules.create({ name: 'new', maintenanceType: 'last', everyMs: minute });
      await clock.advance(2 * minute);
      expect(await store.slots('acme').list({ schedule: 'new', limit: 9 })).toMatchObject([{ outcome: 'overlap' }, {}]);
    });
  });

  it('runs what was left for a window when that opens, and leaves the others out', async () => {
    const windows = [{ from: '03:00', until: '05:00' }];
    const { it, clock, outcomes, held } = setUp({ cron: '0 1,2 * * *', windows });
    await it.start();
    await clock.advance(3 * hour - second);
    expect(await outcomes()).toEqual(['01:00 outside_window']);
    await clock.advance(2 * second);
    expect(await outcomes()).toEqual(['02:00 running', '01:00 outside_window']);
    expect(held).toHaveLength(1);
  });

  it('runs a host’s slots once on each host, and a process’s once in each process', async () => {
    for (const [scope, expected] of [
      ['cluster', 1],
      ['host', 2],
      ['process', 4],
    ] as const) {
      const [clock, lasting] = [fakeClock(start), lastingTask(scope)];
      const store = memoryMaintenanceStore({ clock });
      const all = ['a', 'a', 'b', 'b'].map((hostId) => setUp({ everyMs: hour }, { clock, store, lasting, hostId }));
      for (const { it } of all) await it.start();
      await clock.advance(hour + second);
      expect(lasting.runs).toHaveLength(expected);
      for (const run of lasting.runs) run.end();
      const slots = await all[0]?.schedules.slots('it', { limit: 3 });
      expect(slots?.items.length).toBe(Math.min(3, expected));
      const more = await all[0]?.schedules.slots('it', { limit: 3, cursor: slots?.nextCursor ?? '0:' });
      expect((slots?.items.length ?? 0) + (more?.items.length ?? 0)).toBe(expected);
    }
  });

  it('gives a slot that is due the newest of what was changed elsewhere', async () => {
    const [clock, lasting] = [fakeClock(start), lastingTask()];
    const store = memoryMaintenanceStore({ clock });
    const here = setUp({ everyMs: hour }, { clock, store, lasting });
    const there = setUp({ everyMs: hour }, { clock, store, lasting, schedulePollMs: day, startScheduler: false });
    await here.it.start();
    await there.it.start();
    await clock.advance(hour - 2 * second);
    expect(await there.schedules.pause('it')).toMatchObject({ origin: 'code', nextRun: null, version: 1 });
    await clock.advance(4 * second);
    expect(await here.outcomes()).toEqual(['01:00 paused']);
    await there.schedules.resume('it');
    await clock.advance(hour);
    expect(await here.outcomes()).toEqual(['02:00 running', '01:00 paused']);
  });

  it('closes the slots of a process that died, and not those of one that lives', async () => {
    const clock = fakeClock(start);
    const store = memoryMaintenanceStore({ clock });
    const { it, outcomes } = setUp({ everyMs: hour }, { clock, store });
    const slot = {
      schedule: 'it',
      scopeId: '',
      outcome: 'running' as const,
      runId: null,
      attempts: 1,
      message: null,
      nextAt: start,
    };
    const taken = { ...slot, claimedAt: start, endedAt: null };
    await store.slots('acme').claim({ ...taken, slotAt: start, instance: 'elsewhere/0#1' });
    await it.start();
    await clock.advance(hour + 2 * minute);
    expect(await outcomes()).toEqual(['01:00 running', '00:00 abandoned']);
  });

  it('writes nothing of a slot that was closed while it was held up', async () => {
    const clock = fakeClock(start);
    const store = memoryMaintenanceStore({ clock });
    const { it, held, outcomes } = setUp({ everyMs: hour }, { clock, store });
    await it.start();
    await clock.advance(hour + second);
    const [open] = await store.openSlots(10);
    expect(open).toBeDefined();
    await store.slots('acme').change(open!, open!.instance, { outcome: 'abandoned', endedAt: clock.now() });
    held[0]?.end();
    await clock.advance(second);
    expect(await outcomes()).toEqual(['01:00 abandoned']);
  });
});
