import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '@dotmac/core';
import { backupDirectory } from '../../src/backups/directory.js';
import { checkBackup } from '../../src/backups/policy.js';
import { verifyBackup } from '../../src/backups/verify-backup.js';
import { openRoot } from '../../src/files/root.js';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';
import { failing } from '../support/faulty-files.js';

it('calls no backup broken because its disk could not be read for a moment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dotmac-verify-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [file, directory] = [join(folder, 'app.db'), join(folder, 'backups')];
  const db = new Sqlite(file);
  db.exec("create table t (x); insert into t values ('one'), ('two')");
  db.close();
  await mkdir(directory);
  const policy = { name: 'main', url: `sqlite:${file}`, directory, keep: { last: 1 } } as const;
  const { runs, backups } = createMaintenance({ store: memoryMaintenanceStore(), backups: [policy] }).scope({
    tenantId: 'acme',
  });
  await runs.run('backup_management', {});
  for (let nth = 1, last = Infinity; nth <= last; nth++) {
    const { system, calls } = failing('read', nth, 'EIO');
    const root = await openRoot(directory, { system });
    if (!root) throw new Error('no directory');
    const own = backupDirectory(root, policy);
    const [backup] = await own.list();
    if (!backup) throw new Error('no backup');
    const work = {
      policy: checkBackup(policy),
      directory: own,
      clock: systemClock,
      signal: AbortSignal.timeout(60_000),
    };
    const verified = await verifyBackup(work, backup).catch((error: { code?: string }) => error.code);
    await root.close();
    if (calls() < nth) last = nth;
    else expect([nth, verified]).toEqual([nth, 'EIO']);
    expect([nth, (await backups.list({})).items.map(({ state }) => state)]).toEqual([nth, ['verified']]);
    if (nth === last) expect(nth).toBeGreaterThan(3);
  }
});
