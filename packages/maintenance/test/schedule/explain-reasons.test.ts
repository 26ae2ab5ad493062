import { describe, expect, it } from 'vitest';
import type { MaintenanceModule, MaintenanceOptions, Schedule } from '../../src/index.js';
import { resourceKey } from '../../src/runs/lease-keys.js';
import { lastingTask } from '../support/lasting-task.js';
import { mortalClock } from '../support/mortal-clock.js';
import { over } from '../support/over-http.js';
import { processes } from '../support/processes.js';
import { heapOf, sweepingTask } from '../support/sweeping-task.js';

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const start = Date.UTC(2026, 0, 1);

describe('of a slot is told, by who took it and by others', () => {
  const setUp = () => {
    const [all, lasting, heap] = [processes(start), lastingTask(), heapOf(5)];
    /** A process that is there, with one schedule. */
    const begin = (rules: Partial<Schedule>, more: Partial<MaintenanceOptions> = {}) =>
      all.begin({
        tasks: [lasting.task, sweepingTask(heap, { batch: 1_000 })],
        schedules: [{ name: 'it', task: 'last', tenantId: 'acme', everyMs: hour, ...rules }],
        ...more,
      });
    return { ...all, begin, held: lasting.runs, heap };
  };
  const acme = (it: MaintenanceModule) => it.scope({ tenantId: 'acme' });
  const newest = async (it: MaintenanceModule) => (await acme(it).runs.list({ limit: 1 })).items[0]?.taskId ?? '';
  /** What is said of the slot that many hours after the start: the same over HTTP, in the contract's words. */
  const why = async (it: MaintenanceModule, hours = 1) => {
    const slotAt = start + hours * hour;
    const { ran, reason, message, elected } = await acme(it).schedules.explainSkip('it', slotAt);
    const query = { slot_at: new Date(slotAt).toISOString() };
    const answer = await over(it, 'GET', 'schedules/{id}/explanation', { params: { id: 'it' }, query });
    expect(answer).toMatchObject({ status: 200, body: { slot_at: query.slot_at, ran, reason, message, elected } });
    return { ran, reason, message, elected };
  };
  const told = (reason: string, ran: boolean, message: string, elected: boolean | null = true) =>
    ({ ran, reason, message, elected }) as const;

  it('waiting: for a minute, while nobody has taken it', async () => {
    const { clock, begin } = setUp();
    const it = await begin({}, { startScheduler: false });
    await clock.advance(hour + minute - 1);
    expect(await why(it)).toEqual(
      told('waiting', false, 'It has just come due, and nobody has taken it so far.', null),
    );
    await clock.advance(1);
    expect(await why(it)).toMatchObject({ reason: 'nobody', elected: null });
  });

  it('waiting: for another run, whose turn it is', async () => {
    const { clock, begin } = setUp();
    const it = await begin({ overlap: 'queue' });
    const other = await begin({ overlap: 'queue' }, { startScheduler: false });
    await clock.advance(2 * hour + second);
    expect(await why(it, 2)).toEqual(told('waiting', false, 'It was taken, and is to begin.'));
    const elsewhere = 'It was taken, and is to begin. Another process, host/0#1, had taken it.';
    expect(await why(other, 2)).toEqual(told('waiting', false, elsewhere, false));
    expect(await why(it, 1)).toMatchObject({ ran: true, reason: 'running' });
  });

  it('grace_passed and superseded: it was missed, and a later one runs for it', async () => {
    const { clock, begin, held } = setUp();
    const first = await begin({ everyMs: hour });
    await clock.advance(hour);
    held[0]?.end();
    await clock.advance(second);
    await first.stop();
    await clock.advance(6 * hour);
    const heir = await begin({ everyMs: hour, graceMs: 2 * hour });
    await clock.advance(second);
    // Two hours and some seconds late at 05:00, an hour and some at 06:00.
    const missed = 'Nobody was there when it came due, and its grace had passed when somebody was.';
    for (const hours of [2, 3, 4, 5]) expect(await why(heir, hours)).toEqual(told('grace_passed', false, missed));
    expect(await why(heir, 6)).toEqual(told('superseded', false, 'A later slot was due too, and ran for it.'));
    expect(await why(heir, 7)).toEqual(told('running', true, 'Its run is under way.'));
    expect(await why(heir, 1)).toMatchObject({ ran: true, reason: 'completed', elected: false });
  });

  it('retrying, failed and completed: what became of its runs', async () => {
    const { clock, begin, held } = setUp();
    const it = await begin({ everyMs: day, retries: 1, retryAfterMs: minute });
    await clock.advance(day + second);
    held[0]?.end(new Error('no'));
    await clock.advance(second);
    expect(await why(it, 24)).toEqual(
      told('retrying', true, 'Its run failed, or was broken off, and is to begin again.'),
    );
    await clock.advance(minute);
    held[1]?.end(new Error('no'));
    await clock.advance(second);
    const failure = 'The task failed unexpectedly; the log has the details.';
    expect(await why(it, 24)).toEqual(told('failed', true, failure));
    await clock.advance(day);
    held[2]?.end();
    await clock.advance(second);
    expect(await why(it, 48)).toEqual(told('completed', true, 'Its run completed.'));
  });

  it('cancelled: by somebody', async () => {
    const { clock, begin } = setUp();
    const it = await begin({});
    await clock.advance(hour + second);
    await acme(it).runs.cancel(await newest(it));
    await clock.advance(second);
    expect(await why(it)).toEqual(told('cancelled', true, 'The run was cancelled.'));
  });

  it('waiting: its process was stopped while it waited, and another is to take it', async () => {
    const { clock, begin, held } = setUp();
    const it = await begin({ overlap: 'queue' });
    const other = await begin({ overlap: 'queue' }, { startScheduler: false });
    await clock.advance(2 * hour + second);
    await it.stop();
    const elsewhere = 'Another process, host/0#1, had taken it.';
    expect(await why(other, 1)).toEqual(told('cancelled', true, `The run was stopped. ${elsewhere}`, false));
    const left = `The process was stopped as it waited. ${elsewhere}`;
    expect(await why(other, 2)).toEqual(told('waiting', false, left, false));
    acme(other).scheduler.start();
    await clock.advance(second);
    expect(await why(other, 2)).toEqual(told('running', true, 'Its run is under way.'));
    held.at(-1)?.end();
    await clock.advance(second);
    expect(await why(other, 2)).toEqual(told('completed', true, 'Its run completed.'));
  });

  it('abandoned: its process died', async () => {
    const { clock, begin, forget, held } = setUp();
    const mortal = mortalClock(clock);
    forget(await begin({ everyMs: day }, { clock: mortal.clock }));
    await clock.advance(day + second);
    mortal.holdUp();
    expect(held).toHaveLength(1);
    const heir = await begin({ everyMs: day });
    await clock.advance(second);
    expect(await why(heir, 24)).toMatchObject({ ran: true, reason: 'running', elected: false });
    await clock.advance(2 * minute);
    const message = 'The process that had taken it died. Another process, host/0#1, had taken it.';
    expect(await why(heir, 24)).toEqual(told('abandoned', true, message, false));
  });

  it('needs_confirmation, until somebody gives it', async () => {
    const { clock, begin, heap } = setUp();
    heap.items.push(...heapOf(1_495).items);
    heap.total = 1_500;
    const it = await begin({ task: 'sweep' });
    await clock.advance(hour + second);
    const { reason, ran, message } = await why(it);
    const [line] = (await acme(it).schedules.slots('it')).items;
    expect({ reason, ran }).toEqual({ reason: 'needs_confirmation', ran: true });
    expect(message).toContain('1500 of 1500 items of heap');
    expect(message).toContain(`/runs/${line?.runId}/confirm`);
    expect(heap.items).toHaveLength(1_500);
  });

  it('skipped: others were at all of it', async () => {
    const { clock, store, begin, heap } = setUp();
    const it = await begin({ task: 'sweep' });
    await store.leases.acquire(resourceKey('heap', ''), 'another', day);
    await clock.advance(hour + second);
    expect(await why(it)).toEqual(told('skipped', true, 'Other runs were at everything it had to do.'));
    expect(heap.items).toHaveLength(5);
  });

  it('timed_out: it took longer than it may', async () => {
    const { clock, begin } = setUp();
    const it = await begin({ timeoutMs: minute });
    await clock.advance(hour + minute - second);
    expect(await why(it)).toMatchObject({ ran: true, reason: 'running' });
    await clock.advance(2 * second);
    expect(await why(it)).toMatchObject({ ran: true, reason: 'timed_out', elected: true });
  });

  it('refused: somebody had gone on with its run before it could', async () => {
    const { clock, begin, held } = setUp();
    const it = await begin({ everyMs: day, retries: 1, retryAfterMs: hour });
    await clock.advance(day + second);
    held[0]?.end(new Error('no'));
    await clock.advance(second);
    const failed = await newest(it);
    await acme(it).runs.resume(failed);
    held[1]?.end();
    await clock.advance(hour);
    const { reason, message } = await why(it, 24);
    expect([reason, message]).toEqual(['refused', expect.stringContaining(failed)]);
    expect(held).toHaveLength(2);
  });
});
