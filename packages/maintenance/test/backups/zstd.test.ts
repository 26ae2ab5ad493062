import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { knowsCompression } from '../../src/backups/compression.js';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceModule } from '../../src/index.js';

/** A database with a table, and what backs it up with zstd. */
async function backedUp(): Promise<{ directory: string; create: () => MaintenanceModule }> {
  const folder = await mkdtemp(join(tmpdir(), 'dotmac-zstd-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [file, directory] = [join(folder, 'app.db'), join(folder, 'backups')];
  const db = new Sqlite(file);
  db.exec("create table t (x); insert into t values ('one'), ('two')");
  db.close();
  await mkdir(directory);
  const policy = { name: 'main', url: `sqlite:${file}`, directory, keep: { last: 1 }, compression: 'zstd' } as const;
  return { directory, create: () => createMaintenance({ store: memoryMaintenanceStore(), backups: [policy] }) };
}

if (knowsCompression('zstd'))
  it('a backup by zstd is verified by restoring it', async () => {
    const { directory, create } = await backedUp();
    const { runs, backups } = create().scope({ tenantId: 'acme' });
    await runs.run('backup_management', {});
    expect((await backups.list({})).items).toMatchObject([{ state: 'verified', compression: 'zstd', rows: 2 }]);
    expect((await readdir(directory)).filter((name) => name.endsWith('.zst'))).toHaveLength(1);
  });
else
  it('a backup by zstd is refused at the start where the runtime has none', async () => {
    const { directory, create } = await backedUp();
    expect(create).toThrow('zstd needs Node 22.15 or 23.8');
    expect(await readdir(directory)).toEqual([]);
  });
