import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backupId, type Manifest } from '../../src/backups/manifest.js';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceOptions } from '../../src/index.js';
import { logFolder, type LogFolder } from '../support/logs.js';

const day = 86_400_000;
const old = (Date.now() - 100 * day) / 1_000;
const count = 1_100;
let folder: LogFolder;
beforeEach(async () => {
  folder = await logFolder();
  await mkdir(folder.at('own'), { mode: 0o700 });
});
afterEach(() => folder.remove());

const own = (): string => folder.at('own');
async function oldFiles(nameOf: (index: number) => string): Promise<void> {
  for (let i = 0; i < count; i++) {
    const path = join(own(), nameOf(i));
    await writeFile(path, 'x');
    await utimes(path, old, old);
  }
}
async function backups(): Promise<void> {
  const db = new Sqlite(folder.at('app.db'));
  db.exec('create table t (x)');
  db.close();
  for (let i = 0; i < count; i++) {
    const takenAt = Math.floor(old * 1_000) + i;
    const stem = `app-${backupId(takenAt)}`;
    const about: Manifest = {
      ...{ version: 1, policy: 'app', kind: 'sqlite', file: `${stem}.db`, compression: 'none', takenAt, durationMs: 1 },
      ...{ bytes: 1, sha256: '0'.repeat(64), contentBytes: 1, tool: 'sqlite', tables: [] },
      ...{ state: 'verified', verifiedAt: takenAt, fault: null },
    };
    await writeFile(join(own(), `${stem}.db`), 'x', { mode: 0o600 });
    await writeFile(join(own(), `${stem}.json`), JSON.stringify(about), { mode: 0o600 });
  }
}

/** A target of which nearly all would go, and how many of its files are left when they did. */
interface Case {
  what: string;
  maintenanceType: string;
  prepare(): Promise<void>;
  policies(more: { maxShare?: number }): Omit<MaintenanceOptions, 'store'>;
  left: number;
}
const rotated = (i: number): string => `app.log.${i + 1}`;
const logs = (keep: object) => (more: object) => ({
  logs: [
    {
      ...{ name: 'app', directory: own(), naming: 'numbered' as const, compress: false as const },
      ...{ maxAgeDays: 36_500, ...keep, ...more },
    },
  ],
});
const cases: Case[] = [
  {
    what: 'rotated logs that are too old',
    maintenanceType: 'log_rotation',
    prepare: () => oldFiles(rotated),
    policies: logs({ retentionDays: 30 }),
    left: 0,
  },
  {
    what: 'rotated logs that take too much',
    maintenanceType: 'log_rotation',
    prepare: () => oldFiles(rotated),
    policies: logs({ maxTotalMb: 0 }),
    left: 0,
  },
  {
    what: 'files of a directory',
    maintenanceType: 'disk_cleanup',
    prepare: () => oldFiles((i) => `upload-${i}`),
    policies: (more) => ({
      directories: [{ name: 'uploads', directory: own(), maxAgeDays: 1, ageBy: ['modification'], ...more }],
    }),
    left: 0,
  },
  {
    what: 'backups that no rule keeps',
    maintenanceType: 'backup_management',
    prepare: backups,
    policies: (more) => ({
      backups: [{ name: 'app', url: `sqlite:${folder.at('app.db')}`, directory: own(), keep: { last: 1 }, ...more }],
    }),
    left: 2,
  },
];
const files = async (): Promise<number> => (await readdir(own())).filter((name) => !name.startsWith('.')).length;

describe.each(cases)('of $what', ({ maintenanceType, prepare, policies, left }) => {
  it('more than half of over a thousand go only when that is confirmed', async () => {
    await prepare();
    const before = await files();
    const { runs } = createMaintenance({ store: memoryMaintenanceStore(), ...policies({}) }).scope({
      tenantId: 'acme',
    });
    const asked = await runs.execute({ maintenanceType, parameters: {} });
    expect(asked).toMatchObject({ status: 'needs_confirmation', stopReason: 'unconfirmed', itemsCleaned: 0 });
    expect(await files()).toBeGreaterThanOrEqual(before);
    const { taskId } = await runs.confirm(asked.taskId);
    await expect.poll(async () => (await runs.get(taskId)).status, { timeout: 60_000 }).not.toBe('running');
    expect(await runs.get(taskId)).toMatchObject({ status: 'completed', itemsCleaned: count, errorMessage: null });
    expect(await files()).toBe(left);
  }, 120_000);

  it('as many go unasked as its policy says', async () => {
    await prepare();
    const store = memoryMaintenanceStore();
    const { runs } = createMaintenance({ store, ...policies({ maxShare: 1 }) }).scope({ tenantId: 'acme' });
    expect(await runs.execute({ maintenanceType, parameters: {} })).toMatchObject({
      status: 'completed',
      itemsCleaned: count,
    });
    expect(await files()).toBe(left);
  }, 120_000);

  it.each([0, -1, 1.1, Number.NaN])('no policy may say that %s of it may go', (maxShare) => {
    expect(() => createMaintenance({ store: memoryMaintenanceStore(), ...policies({ maxShare }) })).toThrow(
      /share|0, and 1/,
    );
  });
});

it('trying out a thousand backups waits for nobody', async () => {
  await backups();
  const { policies } = cases.at(-1) as Case;
  const { runs } = createMaintenance({ store: memoryMaintenanceStore(), ...policies({}) }).scope({ tenantId: 'acme' });
  const parameters = { action: 'verify', max_batches: 1 };
  const run = await runs.execute({ maintenanceType: 'backup_management', parameters });
  expect(run).toMatchObject({ itemsProcessed: 1 });
  expect(run.status).not.toBe('needs_confirmation');
}, 120_000);
