import { z } from 'zod';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sqlite } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import {
  createMaintenance,
  defineMaintenanceTask,
  memoryMaintenanceStore,
  type MaintenanceOptions,
} from '../../src/index.js';
import { whenBearable } from '../../src/tasks/bearable.js';

/** Never opened. */
const databases = { main: sqlite(':memory:'), other: sqlite(':memory:') };

const setUp = (options: Partial<MaintenanceOptions>) =>
  createMaintenance({ store: memoryMaintenanceStore(), startScheduler: false, databases, ...options });

/** Cleans two items of each database, one a second. */
const cleaning = (cleaned: string[]) =>
  defineMaintenanceTask({
    ...{ type: 'clean', name: 'Clean', description: 'Cleans two databases' },
    parameters: z.object({}),
    details: z.object({ cleaned: z.array(z.string()) }),
    plan: () => Promise.resolve({ targets: [], warnings: [] }),
    async run(context) {
      for await (const [database, { target, clock, signal }] of whenBearable(context, ['main', 'other'], (it) => it)) {
        const progress = await target({ target: database, planned: 2, total: null });
        for (let item = 0; item < 2; item++) {
          await clock.sleep(1_000, signal);
          cleaned.push(database);
          if (!(await progress.advance({ cleaned: 1 }))) return { details: { cleaned } };
        }
        progress.done();
      }
      return { details: { cleaned } };
    },
  });

describe('a signal that is about one database', () => {
  async function start(options: Partial<MaintenanceOptions> = {}) {
    const [cleaned, load, clock] = [[] as string[], { seconds: 0 }, fakeClock()];
    const lag = { name: 'lag', unit: 's', pauseAt: 5, resumeAt: 1, database: 'main', read: () => load.seconds };
    const maintenance = setUp({ clock, tasks: [cleaning(cleaned)], throttle: [lag], ...options });
    onTestFinished(() => maintenance.stop());
    await maintenance.start();
    const { runs } = maintenance.scope({ tenantId: 'acme' });
    return { cleaned, load, clock, runs };
  }

  it('holds up work there, and no other: that is done first', async () => {
    const { cleaned, load, clock, runs } = await start();
    load.seconds = 9;
    const { taskId } = await runs.beginRun('clean', {});
    await clock.advance(10_000);
    expect(cleaned).toEqual(['other', 'other']);
    const waiting = await runs.get(taskId);
    expect(waiting).toMatchObject({ status: 'running', progress: { state: 'paused', pausedBy: ['lag'] } });
    expect(waiting.log.map(({ message }) => message)).toEqual(['Paused: lag is at 9 s; work goes on at 1.']);
    load.seconds = 0;
    await clock.advance(10_000);
    expect(await runs.get(taskId)).toMatchObject({ status: 'completed', stopReason: 'drained', itemsCleaned: 4 });
    expect(cleaned).toEqual(['other', 'other', 'main', 'main']);
  });

  it('holds it up in its midst too', async () => {
    const { cleaned, load, clock, runs } = await start();
    const { taskId } = await runs.beginRun('clean', {});
    await clock.advance(500);
    load.seconds = 9;
    await clock.advance(10_000);
    expect(cleaned).toEqual(['main']);
    expect((await runs.get(taskId)).progress).toMatchObject({ state: 'paused', pausedBy: ['lag'], target: 'main' });
    load.seconds = 0;
    await clock.advance(10_000);
    expect(cleaned).toEqual(['main', 'main', 'other', 'other']);
  });

  it('ends the run for now when it lasts for too long; what was done elsewhere is reported', async () => {
    const { load, clock, runs } = await start({ longestPauseMs: 5_000 });
    load.seconds = 9;
    const { taskId } = await runs.beginRun('clean', {});
    await clock.advance(20_000);
    expect(await runs.get(taskId)).toMatchObject({
      ...{ status: 'completed', stopReason: 'pressure', resumable: true, itemsCleaned: 2 },
      details: { cleaned: ['other', 'other'] },
    });
  });

  it('says in its own words what its figure means', async () => {
    const says = (): string => 'is far behind';
    const own = { name: 'lag', unit: 's', pauseAt: 5, database: 'main', says, read: () => 9 };
    const { clock, runs } = await start({ throttle: [own], longestPauseMs: 2_000 });
    const { taskId } = await runs.beginRun('clean', {});
    await clock.advance(20_000);
    expect((await runs.get(taskId)).log[0]?.message).toBe('Paused: lag is far behind.');
  });

  it.each<[string, Partial<MaintenanceOptions>]>([
    ['throttle.lag.database', { throttle: [{ name: 'lag', unit: 's', pauseAt: 1, database: 'mian', read: () => 0 }] }],
    [
      'backups.nightly.database',
      {
        backups: [
          { name: 'nightly', url: 'sqlite:/tmp/a.db', database: 'mian', directory: '/srv/backups', keep: { last: 1 } },
        ],
      },
    ],
  ])('is refused with a name that no database has: %s', (at, options) => {
    expect(() => setUp(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(`${at}: there is no`) }),
    );
  });
});
