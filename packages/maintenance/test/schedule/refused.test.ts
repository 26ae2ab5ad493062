import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fakeClock, type FakeClock } from '@dotmac/core/testing';
import {
  createMaintenance,
  memoryMaintenanceStore,
  type DirectoryPolicy,
  type MaintenanceModule,
  type MaintenanceStore,
} from '../../src/index.js';
import { asTimePasses } from '../support/as-time-passes.js';

const hour = 3_600_000;
const day = 24 * hour;
let directory: string;
let clock: FakeClock;
let store: MaintenanceStore;
let maintenance: MaintenanceModule;
/** What the failure hook was told. */
let told: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dotmac-refused-'));
  await writeFile(join(directory, 'a-week-old'), 'x');
  clock = fakeClock(Date.now());
  const weekAgo = (clock.now() - 7 * day) / 1_000;
  await utimes(join(directory, 'a-week-old'), weekAgo, weekAgo);
  store = memoryMaintenanceStore({ clock });
  told = [];
});
afterEach(async () => {
  await maintenance.stop();
  await rm(directory, { recursive: true });
});

/** Deploys the host's code with that policy: files go after 30 days, requests may say less when it lets them. */
const deploy = async (policy: Partial<DirectoryPolicy>) => {
  maintenance = createMaintenance({
    ...{ store, clock, hostId: 'host' },
    directories: [{ name: 'files', directory, maxAgeDays: 30, ...policy }],
    onRunFailed: ({ code, run }) => void told.push(`${code} ${run.errorMessage}`),
  });
  await maintenance.start();
  return maintenance.scope({ tenantId: 'acme' });
};

it('a schedule that a stricter policy refuses fails at each slot, for all to see, and touches nothing', async () => {
  const before = await deploy({ requestLimits: { maxAgeDays: 3 } });
  await before.schedules.create({
    ...{ name: 'daily', maintenanceType: 'disk_cleanup', everyMs: hour, retries: 2, retryAfterMs: 1_000 },
    parameters: { max_age_days: 3 },
  });
  await maintenance.stop();

  const { schedules, runs, reports } = await deploy({});
  expect(await schedules.get('daily')).toMatchObject({
    nextRun: expect.any(Number),
    fault: expect.stringMatching(/max_age_days.*files/),
  });
  await clock.advance(hour);
  await expect.poll(asTimePasses(clock, () => told)).toHaveLength(1);
  await clock.advance(10_000);
  // Tried once: what was refused is refused again.
  expect(told).toEqual([expect.stringMatching(/^POLICY_UNDERCUT .*files/)]);
  const { items } = await runs.list({ limit: 10 });
  expect(items).toMatchObject([{ status: 'failed', errorMessage: expect.stringContaining('files') }]);
  expect(await schedules.explainSkip('daily')).toMatchObject({
    ...{ ran: true, reason: 'failed', message: items[0]?.errorMessage },
  });
  expect((await reports.digest({ days: 1 })).attention).toMatchObject([{ taskId: items[0]?.taskId }]);
  expect(await readdir(directory)).toEqual(['a-week-old']);
  await maintenance.stop();

  const after = await deploy({ requestLimits: { maxAgeDays: 3 } });
  expect(await after.schedules.get('daily')).toMatchObject({ fault: null });
  await clock.advance(hour);
  await expect.poll(asTimePasses(clock, () => readdir(directory))).toEqual([]);
  expect(told).toHaveLength(1);
});
