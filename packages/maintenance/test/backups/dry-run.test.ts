import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '@dotmac/core';
import { createMaintenance, memoryMaintenanceStore, type BackupPolicy } from '../../src/index.js';
import { treeOf } from '../support/tree.js';

it('a dry run of backups changes no byte, name, mode or time of the database and of its backups', async () => {
  const root = await mkdtemp(join(tmpdir(), 'dotmac-dry-backups-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const directory = join(root, 'kept');
  await mkdir(directory, { mode: 0o700 });
  // The application has it open, and some of it is in the log beside it.
  const application = new Sqlite(join(root, 'app.db'));
  onTestFinished(() => void application.close());
  application.exec("pragma journal_mode = wal; create table t (x); insert into t values ('one'), ('two')");
  const scopeOf = async (day: number, keep: BackupPolicy['keep']) => {
    const maintenance = createMaintenance({
      store: memoryMaintenanceStore(),
      clock: { ...systemClock, now: () => Date.UTC(2026, 10, day, 3) },
      backups: [{ name: 'main', url: `sqlite:${join(root, 'app.db')}`, directory, keep }],
      startScheduler: false,
    });
    onTestFinished(() => maintenance.stop());
    await maintenance.start();
    return maintenance.scope({ tenantId: 'acme' });
  };
  for (const day of [20, 21, 22])
    expect((await (await scopeOf(day, { last: 9 })).runs.run('backup_management', {})).status).toBe('completed');
  // One has rotted since; what dead processes left would be removed by a run; and something else lies there, too.
  const [oldest = ''] = (await readdir(directory)).filter((name) => name.endsWith('.gz')).sort();
  const at = (name: string): string => join(directory, name);
  const bytes = await readFile(at(oldest));
  bytes[30]! ^= 1;
  await writeFile(at(oldest), bytes);
  await copyFile(at(oldest), at(oldest.replace('20261120', '20261119')));
  await copyFile(at(oldest), at(`${oldest.replace('20261120', '20261118')}.partial`));
  await writeFile(at('notes.txt'), 'somebody’s');

  const { runs, plans } = await scopeOf(23, { last: 1 });
  const before = await treeOf(Buffer.from(root));
  expect(before).toHaveLength(1 + 3 + 1 + 6 + 3);
  for (const action of ['backup', 'verify']) {
    const asked = { maintenanceType: 'backup_management', parameters: { action } };
    const { plan } = await plans.create(asked);
    expect(plan.targets.map(({ items }) => items)).toEqual(action === 'backup' ? [1, 3] : [3]);
    const dry = await runs.execute({ ...asked, parameters: { action, dry_run: true } });
    expect(dry).toMatchObject({ status: 'completed', itemsCleaned: 0 });
    expect(dry.itemsProcessed).toBeGreaterThan(2);
    expect(await treeOf(Buffer.from(root))).toEqual(before);
  }
  await runs.run('backup_management', { action: 'verify' });
  expect(await treeOf(Buffer.from(root))).not.toEqual(before);
});
