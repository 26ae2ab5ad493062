import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { coreErrors, newId } from '@dotmac/core';
import { defineMaintenanceTask } from '../../src/index.js';
import { began } from '../../src/testing/samples.js';
import { lastingTask } from '../support/lasting-task.js';
import { processes } from '../support/processes.js';
import { heapOf, sweepingTask } from '../support/sweeping-task.js';

const [second, minute, hour] = [1_000, 60_000, 3_600_000];

/** A task that goes well, says that a part of it failed, or throws. */
const moody = defineMaintenanceTask({
  ...{ type: 'moody', name: 'Moody', description: 'Fails as it is told to' },
  parameters: z.object({ mood: z.enum(['well', 'partly', 'badly']) }),
  details: z.object({}),
  plan: () => Promise.resolve({ targets: [], warnings: [] }),
  run: (_, { mood }) => {
    if (mood === 'badly') return Promise.reject(new Error('of no concern to callers'));
    const fault = coreErrors.INVALID_ARGUMENT({ argument: 'x', reason: 'y' });
    return Promise.resolve({ details: {}, ...(mood === 'partly' && { fault }) });
  },
});

describe('of a run', () => {
  it('is told how late it began for its slot, if it is the first for that', async () => {
    const { clock, begin } = processes();
    const { task, runs: held } = lastingTask();
    const schedule = { name: 'it', task: 'last', tenantId: 'acme', everyMs: hour, overlap: 'queue' as const };
    const it = await begin({ tasks: [task], schedules: [{ ...schedule, retries: 1, retryAfterMs: minute }] });
    const told: (string | number | null)[][] = [];
    it.events.on('maintenance.run_started', ({ data: { trigger, lagMs } }) => void told.push([trigger, lagMs]));
    await it.scope({ tenantId: 'acme' }).runs.beginRun('last', {});
    await clock.advance(hour + minute);
    held[0]?.end();
    await clock.advance(second);
    held[1]?.end(new Error('no'));
    await clock.advance(2 * minute);
    expect(told).toEqual([
      ['request', null],
      ['schedule', 61 * second],
      ['schedule', null],
    ]);
  });

  it('the end is told once, and logged when it or a part of it failed', async () => {
    const lines: object[] = [];
    const nothing = () => {};
    const logger = { debug: nothing, info: nothing, warn: nothing, error: (line: object) => void lines.push(line) };
    const { begin, clock } = processes();
    const { task, runs: held } = lastingTask();
    const it = await begin({ tasks: [moody, task], logger });
    const told: string[] = [];
    it.events.on('maintenance.run_completed', ({ data: { status } }) => void told.push(status));
    it.events.on('maintenance.run_failed', ({ data: { code } }) => void told.push(code));
    const { runs } = it.scope({ tenantId: 'acme' });
    const badly = await runs.run('moody', { mood: 'badly' });
    const partly = await runs.run('moody', { mood: 'partly' });
    await runs.run('moody', { mood: 'well' });
    const { taskId } = await runs.beginRun('last', {});
    await runs.cancel(taskId);
    await clock.advance(second);
    expect(held).toHaveLength(1);
    expect(told).toEqual(['INTERNAL', 'INVALID_ARGUMENT', 'completed', 'cancelled']);
    expect(lines).toMatchObject([
      { runId: badly.taskId, task: 'moody', error: 'of no concern to callers' },
      { runId: partly.taskId, task: 'moody' },
    ]);
  });

  it('of a dead process the end is told once, though two others come upon it', async () => {
    const { store, clock, begin } = processes();
    await store.runs('acme').insert({ ...began, id: newId(), task: 'moody', scopeId: '' });
    const left = await store.runningRuns(9);
    expect(left).toHaveLength(1);
    const told: string[] = [];
    let seen: typeof left = [];
    for (const name of ['one', 'other']) {
      const it = await begin({
        ...{ tasks: [moody], startScheduler: false },
        onRunFailed: ({ code }) => void told.push(`${name} is asked to page somebody: ${code}`),
        store: { ...store, runningRuns: () => Promise.resolve(seen) },
      });
      it.events.on('maintenance.run_failed', ({ data: { code } }) => void told.push(`${name} tells: ${code}`));
    }
    // Both see it before either has it.
    seen = left;
    await clock.advance(minute + second);
    expect(told).toEqual(['one tells: ABANDONED', 'one is asked to page somebody: ABANDONED']);
  });

  it('nothing begins after its process was stopped, until that is started again', async () => {
    const { begin } = processes();
    const it = await begin({ tasks: [moody], startScheduler: false });
    const { runs } = it.scope({ tenantId: 'acme' });
    await it.stop();
    await expect(runs.run('moody', { mood: 'well' })).rejects.toMatchObject({ code: 'MAINTENANCE_STOPPED' });
    await it.start();
    expect(await runs.run('moody', { mood: 'well' })).toMatchObject({ status: 'completed' });
  });

  it('nothing is left when it is over: no timer that would keep its state, or end it', async () => {
    const { begin, clock } = processes();
    const it = await begin({ tasks: [moody, sweepingTask(heapOf(30))], startScheduler: false });
    const { runs } = it.scope({ tenantId: 'acme' });
    // What is done at the start comes to its end first.
    await clock.advance(second);
    const before = clock.pending;
    await runs.run('sweep', { maxRuntimeSeconds: 60 });
    await runs.run('moody', { mood: 'badly' });
    await runs.run('sweep', { dryRun: true });
    expect(clock.pending).toBe(before);
  });
});
