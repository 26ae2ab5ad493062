import { describe, expect, it } from 'vitest';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceOptions } from '../../src/index.js';
import { alone } from '../../src/testing/samples.js';
import { lastingTask } from '../support/lasting-task.js';
import { over } from '../support/over-http.js';

const [second, minute, hour] = [1_000, 60_000, 3_600_000];
const start = Date.UTC(2026, 0, 1);

const setUp = async (more: Partial<MaintenanceOptions> = {}) => {
  const clock = fakeClock(start);
  const store = memoryMaintenanceStore({ clock });
  const { task, runs: held } = lastingTask();
  const schedules = [{ name: 'coded', task: 'last', tenantId: 'acme', cron: '0 4 * * *', parameters: { depth: 2 } }];
  const make = (own: Partial<MaintenanceOptions> = {}) =>
    createMaintenance({ store, clock, tasks: [task], schedules, hostId: 'host', ...more, ...own });
  const maintenance = make();
  await maintenance.start();
  const scope = (tenantId: string) => maintenance.scope({ tenantId, actor: 'user:1' }).schedules;
  return { clock, store, held, make, maintenance, scope, acme: scope('acme') };
};
const draft = { name: 'mine', maintenanceType: 'last', everyMs: hour };

describe('schedules that are made', () => {
  it('run, are listed beside those in code by name, and are their tenant’s alone', async () => {
    const { clock, acme, scope, held } = await setUp();
    const made = await acme.create({ ...draft, parameters: { depth: 3 } });
    expect(made).toMatchObject({ origin: 'store', version: 1, nextRun: start + hour, parameters: { depth: 3 } });
    await acme.create({ ...draft, name: 'after' });
    await scope('other').create({ ...draft, name: 'theirs' });
    const pages = [await acme.list({ limit: 2 })];
    pages.push(await acme.list({ limit: 2, cursor: pages[0]?.nextCursor ?? '' }));
    expect(pages.flatMap(({ items }) => items.map(({ name, origin }) => `${name} ${origin}`))).toEqual([
      'after store',
      'coded code',
      'mine store',
    ]);
    expect(pages[1]?.nextCursor).toBeNull();
    await expect(acme.get('theirs')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' });
    await acme.remove('after');
    await clock.advance(hour + second);
    expect(held.map(({ context }) => context.tenantId).sort()).toEqual(['acme', 'other']);
    expect((await acme.slots('mine')).items).toMatchObject([{ outcome: 'running', attempts: 1 }]);
  });

  it('are fired by processes that did not make them, as they were changed last', async () => {
    const { clock, acme, make, maintenance, held } = await setUp({ startScheduler: false });
    const other = make({ startScheduler: true });
    await other.start();
    await acme.create(draft);
    await clock.advance(11 * second);
    await acme.update('mine', { everyMs: 2 * hour, version: 1 });
    await clock.advance(hour);
    expect(held).toHaveLength(0);
    await clock.advance(hour);
    expect(held).toHaveLength(1);
    await acme.remove('mine');
    held[0]?.end();
    await clock.advance(4 * hour - 2 * minute);
    // The one in code.
    expect(held).toHaveLength(2);
    await Promise.all([maintenance.stop(), other.stop()]);
  });

  it.each([
    ['INVALID_INPUT', { name: 'a b' }],
    // No path leads to it: it could not be removed again.
    ['INVALID_INPUT', { name: '.' }],
    ['INVALID_INPUT', { name: '..' }],
    ['INVALID_INPUT', { maintenanceType: 'nope' }],
    ['INVALID_INPUT', { parameters: { depth: 10 } }],
    ['INVALID_INPUT', { parameters: { unknown: 1 } }],
    ['INVALID_INPUT', { cron: '0 3 * * *' }],
    ['INVALID_INPUT', { everyMs: null, cron: '61 * * * *' }],
    ['INVALID_INPUT', { timeZone: 'Mars/Phobos' }],
    ['INVALID_INPUT', { everyMs: 10 }],
    ['SCHEDULE_NAME_TAKEN', { name: 'coded' }],
    ['SCHEDULE_NAME_TAKEN', { name: 'there' }],
  ])('are refused with %s: %j', async (code, wrong) => {
    const { acme } = await setUp();
    await acme.create({ ...draft, name: 'there' });
    await expect(acme.create({ ...draft, ...wrong })).rejects.toMatchObject({ code });
    expect((await acme.list()).items).toHaveLength(2);
  });

  it('are bounded in number for a tenant', async () => {
    const { acme, scope } = await setUp({ maxSchedules: 2 });
    const made = await Promise.allSettled(['a', 'b', 'c', 'd'].map((name) => acme.create({ ...draft, name })));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    await expect(acme.create({ ...draft, name: 'e' })).rejects.toMatchObject({ code: 'SCHEDULE_LIMIT_REACHED' });
    await acme.remove('a');
    await acme.create({ ...draft, name: 'e' });
    await scope('other').create(draft);
  });

  it('are changed by who saw the last change, and not in code', async () => {
    const { acme } = await setUp();
    await acme.create(draft);
    expect(await acme.update('mine', { version: 1, everyMs: null, cron: '0 5 * * *' })).toMatchObject({
      version: 2,
      cron: '0 5 * * *',
      everyMs: null,
      nextRun: start + 5 * hour,
    });
    await expect(acme.update('mine', { version: 1, jitterMs: 5 })).rejects.toMatchObject({ code: 'SCHEDULE_CHANGED' });
    await expect(acme.update('mine', { cron: '61 * * * *' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(acme.update('coded', { jitterMs: 5 })).rejects.toMatchObject({ code: 'SCHEDULE_IN_CODE' });
    await expect(acme.remove('coded')).rejects.toMatchObject({ code: 'SCHEDULE_IN_CODE' });
    await expect(acme.update('nope', {})).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' });
    expect(await acme.get('mine')).toMatchObject({ version: 2, jitterMs: 0 });
  });

  it('forget no slot by a change that changes nothing', async () => {
    const { clock, acme } = await setUp();
    await acme.create(draft);
    await clock.advance(hour / 2);
    expect(await acme.update('mine', {})).toMatchObject({ version: 1, nextRun: start + hour });
    expect(await acme.update('mine', { everyMs: hour, parameters: {} })).toMatchObject({ version: 1 });
    expect(await acme.update('mine', { parameters: { depth: 5 } })).toMatchObject({ version: 2 });
  });

  it('say so when their task is gone from the code', async () => {
    const { acme, make } = await setUp();
    await acme.create(draft);
    const without = make({ tasks: [], schedules: [] }).scope({ tenantId: 'acme' }).schedules;
    expect(await without.get('mine')).toMatchObject({ nextRun: null, fault: expect.stringContaining('no such task') });
    await without.remove('mine');
  });

  it.each([
    ['run', 'POST', 'schedules/{id}/run'],
    ['previewed', 'GET', 'schedules/{id}/preview'],
  ] as const)('cannot be %s then, which is a conflict and no fault of the request', async (_, method, path) => {
    const { acme, make } = await setUp();
    await acme.create(draft);
    const answer = await over(make({ tasks: [], schedules: [] }), method, path, { params: { id: 'mine' } });
    expect(answer).toMatchObject({ status: 409, body: { code: 'SCHEDULE_UNFIT' } });
    expect(answer.body).toMatchObject({ detail: expect.stringMatching(/mine.*no such task/) });
  });
});

describe('a schedule', () => {
  it('can be paused and resumed, in code too; what came due meanwhile stays left out', async () => {
    const { clock, acme, held } = await setUp();
    await acme.create(draft);
    await acme.pause('mine');
    expect(await acme.pause('coded')).toMatchObject({ pausedAt: start, nextRun: null, version: 1 });
    expect(await acme.pause('coded')).toMatchObject({ version: 1 });
    await clock.advance(5 * hour + 10 * minute);
    await acme.resume('coded');
    expect(await acme.resume('mine')).toMatchObject({ pausedAt: null, nextRun: start + 6 * hour });
    await clock.advance(minute);
    expect(held).toHaveLength(0);
    await clock.advance(hour);
    expect(held).toHaveLength(1);
    const outcomes = (await acme.slots('mine')).items.map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['running', ...Array<string>(5).fill('paused')]);
    await expect(acme.pause('nope')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' });
  });

  it('can be run now, and previewed', async () => {
    const { clock, acme, held, maintenance } = await setUp();
    const { taskId } = await acme.run('coded');
    await clock.advance(second);
    expect(held).toHaveLength(1);
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    expect(await runs.get(taskId)).toMatchObject({ schedule: 'coded', trigger: 'request', parameters: { depth: 2 } });
    await expect(acme.run('coded')).rejects.toMatchObject({ code: 'TASK_ALREADY_RUNNING' });
    const { items } = await acme.preview('coded', { count: 2 });
    expect(items.map(({ localTime }) => localTime)).toEqual(['2026-01-01T04:00:00+00:00', '2026-01-02T04:00:00+00:00']);
  });
});

describe('why a slot did not run whose task is gone from the code', () => {
  it('is told by the ledger where others ran it, and else by that', async () => {
    const { clock, acme, make, held } = await setUp({ schedulePollMs: hour });
    await acme.create(draft);
    const without = make({ tasks: [], schedules: [] }).scope({ tenantId: 'acme' }).schedules;
    await clock.advance(hour + second);
    held[0]?.end();
    await clock.advance(second);
    const ran = { ran: true, reason: 'completed', elected: false, parts: [], slots: [{ outcome: 'completed' }] };
    expect(await without.explainSkip('mine')).toMatchObject({ ...ran, slotAt: start + hour });
    const why = async (hours: number) => (await without.explainSkip('mine', start + hours * hour)).reason;
    expect([await why(0), await why(1.5), await why(2)]).toEqual(['before_schedule', 'not_a_slot', 'not_due']);
  });

  it('is that no process can fire it', async () => {
    const { clock, acme, make } = await setUp({ startScheduler: false });
    await acme.create(draft);
    const without = make({ tasks: [], schedules: [], startScheduler: true });
    await without.start();
    await clock.advance(hour + second);
    const explained = await without.scope({ tenantId: 'acme' }).schedules.explainSkip('mine');
    expect(explained).toMatchObject({ slotAt: start + hour, ran: false, reason: 'unfit', elected: null });
    expect(explained.message).toMatch(
      /^The process that answers cannot fire it \(.*no such task.*\), and no other has\.$/,
    );
    await without.stop();
  });
});

describe('what begins next', () => {
  it.each([
    ['a window to open', { windows: [{ from: '22:00', until: '01:00' }] }, 22 * hour],
    ['its jitter', { jitterMs: 10 * hour }, undefined],
  ])('is the slot that has come and waits for %s, and once that ran the next', async (_, rules, opens) => {
    const { clock, acme, maintenance } = await setUp();
    await acme.create({ ...draft, everyMs: null, cron: '0 2 * * *', ...rules, name: 'it' });
    const begins = (await acme.get('it')).nextRun as number;
    if (opens !== undefined) expect(begins).toBe(start + opens);
    await clock.advance(2 * hour + minute);
    expect(begins).toBeGreaterThan(clock.now());
    expect(await acme.get('it')).toMatchObject({ nextRun: begins });
    const slots = async () => (await acme.preview('it', { count: 2 })).items.map(({ slotAt }) => slotAt);
    expect(await slots()).toEqual([start + 2 * hour, start + 26 * hour]);
    const state = await maintenance.scope({ tenantId: 'acme', actor: 'user:1' }).state();
    const shown = state.maintenanceTasks.flatMap(({ schedules }) => schedules).find(({ name }) => name === 'it');
    expect(shown).toMatchObject({ nextRun: begins });
    await clock.advance(begins - clock.now() + second);
    expect(await acme.get('it')).toMatchObject({ nextRun: begins + 24 * hour });
    expect(await slots()).toEqual([start + 26 * hour, start + 50 * hour]);
  });

  it('is no slot from before the schedule was made or resumed', async () => {
    const { clock, acme } = await setUp();
    await clock.advance(3 * hour);
    const windows = [{ from: '22:00', until: '06:00' }];
    await clock.advance(4 * hour);
    await acme.create({ ...draft, everyMs: null, cron: '0 6 * * *', windows, name: 'it' });
    expect(await acme.get('it')).toMatchObject({ nextRun: start + 46 * hour });
    await clock.advance(24 * hour);
    expect(await acme.get('it')).toMatchObject({ nextRun: start + 46 * hour });
    await acme.pause('it');
    await acme.resume('it');
    expect(await acme.get('it')).toMatchObject({ nextRun: start + 70 * hour });
  });
});

describe('why a slot did not run', () => {
  it('is told, whatever the reason', async () => {
    const { clock, store, acme, make, held } = await setUp({ historyDays: 1, schedulePollMs: hour });
    await acme.create({ ...draft, windows: [{ from: '00:00', until: '06:30' }], outsideWindow: 'skip' });
    const why = async (hours: number, who = acme) => {
      const { ran, reason, elected } = await who.explainSkip('mine', start + hours * hour);
      return [ran, reason, elected];
    };
    expect(await why(1)).toEqual([false, 'not_due', null]);
    expect(await why(0)).toEqual([false, 'before_schedule', null]);
    expect(await why(1.5)).toEqual([false, 'not_a_slot', null]);
    await clock.advance(2 * hour + minute);
    expect(await why(1)).toEqual([true, 'running', true]);
    expect(await why(2)).toEqual([false, 'overlap', true]);
    // Another process sees that it was not the one.
    const other = make({ startScheduler: false }).scope({ tenantId: 'acme' }).schedules;
    expect(await why(1, other)).toEqual([true, 'running', false]);
    expect((await other.explainSkip('mine', start + hour)).message).toContain('host/0#1');
    held[0]?.end();
    await acme.pause('mine');
    await clock.advance(hour);
    expect(await why(3)).toEqual([false, 'paused', true]);
    await acme.resume('mine');
    await clock.advance(4 * hour);
    expect(await why(7)).toEqual([false, 'outside_window', true]);
    // Nobody was there for it, or wrote it down.
    await store.prune(start + 8 * hour, alone());
    expect(await why(5)).toEqual([false, 'nobody', null]);
    await clock.advance(24 * hour);
    expect(await why(6)).toEqual([false, 'not_kept', null]);
    await expect(acme.explainSkip('nope', start)).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' });
  });
});
