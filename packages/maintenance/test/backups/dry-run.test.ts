import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { available, mysqlPrograms } from '../../../../test/support/services.js';
import { createMaintenance, memoryMaintenanceStore, type BackupPolicy } from '../../src/index.js';
import { dialects } from '../support/databases.js';
import { dumpOf } from '../support/dump.js';
import { treeOf } from '../support/tree.js';

const programs = { sqlite: {}, postgres: {}, mysql: mysqlPrograms };
const client = { sqlite: true, postgres: available.postgresClient, mysql: available.mysqlClient };

for (const { dialect, title, present, fresh } of dialects)
  describe.skipIf(!present || !client[dialect])(`a dry run of backups of ${title}`, () => {
    it('changes no byte, name, mode or time of the database and of its backups', async () => {
      const directory = join(await mkdtemp(join(tmpdir(), 'dotmac-dry-backups-')), 'kept');
      onTestFinished(() => rm(dirname(directory), { recursive: true }));
      await mkdir(directory, { mode: 0o700 });
      const { url, drop } = await fresh();
      // The application has it open, and on SQLite some of it is in the log beside it.
      const application = databaseFromUrl(url);
      onTestFinished(() => application.close().then(drop));
      await sql`create table t (x varchar(9))`.execute(application.kysely);
      await sql`insert into t values ('one'), ('two')`.execute(application.kysely);
      const state = async () => ({
        // Of a server its own dump tells what it has; a dump of SQLite would write the log back.
        database:
          dialect === 'sqlite'
            ? await treeOf(Buffer.from(dirname(url.slice('sqlite:'.length))))
            : await dumpOf(application, url),
        backups: await treeOf(Buffer.from(directory)),
      });

      const scopeOf = async (day: number, keep: BackupPolicy['keep']) => {
        const maintenance = createMaintenance({
          store: memoryMaintenanceStore(),
          clock: { ...systemClock, now: () => Date.UTC(2026, 10, day, 3) },
          backups: [{ name: 'main', url, directory, keep, programs: programs[dialect] }],
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
      const before = await state();
      expect(before.backups).toHaveLength(1 + 6 + 3);
      for (const action of ['backup', 'verify']) {
        const asked = { maintenanceType: 'backup_management', parameters: { action } };
        const { plan } = await plans.create(asked);
        expect(plan.targets.map(({ items }) => items)).toEqual(action === 'backup' ? [1, 3] : [3]);
        const dry = await runs.execute({ ...asked, parameters: { action, dry_run: true } });
        expect(dry).toMatchObject({ status: 'completed', itemsCleaned: 0 });
        expect(dry.itemsProcessed).toBeGreaterThan(2);
        expect(await state()).toEqual(before);
      }
      await runs.run('backup_management', { action: 'verify' });
      expect((await state()).backups).not.toEqual(before.backups);
    });
  });
