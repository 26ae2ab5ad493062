import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { available, freshMysql, mysqlPrograms, type FreshDatabase } from '../../../../test/support/services.js';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';

describe.skipIf(!available.mysql || !available.mysqlClient)(
  'restoring a backup of MariaDB (needs MariaDB: npm run services)',
  () => {
    let root: string;
    let source: FreshDatabase;
    let target: FreshDatabase;
    const gate = () => join(root, 'gate');
    const begun = () => join(root, 'begun');
    const open = () => writeFile(gate(), '');
    const ask = async (url: string, ...statements: string[]): Promise<unknown> => {
      const connection = await createConnection(url);
      try {
        for (const statement of statements.slice(0, -1)) await connection.query(statement);
        return (await connection.query(statements.at(-1) ?? ''))[0];
      } finally {
        await connection.end();
      }
    };

    beforeEach(async () => {
      root = await mkdtemp(join(tmpdir(), 'dotmac-restoring-'));
      for (const name of ['one', 'other']) await mkdir(join(root, name));
      [source, target] = [await freshMysql(), await freshMysql()];
      await ask(source.url, 'create table t (id int primary key)', 'insert into t values (1), (2)');
    });
    afterEach(async () => {
      await source.drop();
      await target.drop();
      await rm(root, { recursive: true });
    });

    /** Policies whose restorations begin, and wait until the gate is open. */
    const scopeOf = async () => {
      const restore = join(root, 'restore');
      const { restore: real = 'mariadb' } = mysqlPrograms;
      const script = `[ "$1" = --version ] || { : > ${begun()}; until [ -e ${gate()} ]; do sleep 0.05; done; }; exec ${real} "$@"`;
      await writeFile(restore, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const programs = { ...mysqlPrograms, restore };
      const backups = ['one', 'other'].map((name) => ({
        ...{ name, url: source.url, directory: join(root, name), keep: { last: 2 }, programs },
      }));
      return createMaintenance({ store: memoryMaintenanceStore(), backups }).scope({ tenantId: 'acme' });
    };

    it('keeps others from that database, and runs from the backups of its policy, until it has ended', async () => {
      const scope = await scopeOf();
      await open();
      await scope.runs.run('backup_management', {});
      const idOf = async (policy: string) => (await scope.backups.list({ policy })).items[0]?.id ?? '';
      const [one, other] = [
        { policy: 'one', id: await idOf('one') },
        { policy: 'other', id: await idOf('other') },
      ];
      await rm(gate());
      await rm(begun());
      const first = scope.backups.restore(one, target.url);
      await expect
        .poll(
          () =>
            rm(begun()).then(
              () => true,
              () => false,
            ),
          { timeout: 20_000 },
        )
        .toBe(true);
      const sameTarget = new URL(target.url);
      sameTarget.port ||= '3306';
      await expect(scope.backups.restore(other, sameTarget.href)).rejects.toMatchObject({
        code: 'BACKUP_NOT_RESTORED',
        message: expect.stringContaining('another restoration into that database') as string,
      });
      await expect(scope.backups.restore(one, source.url)).rejects.toMatchObject({
        code: 'BACKUP_NOT_RESTORED',
        message: expect.stringContaining('backups of the policy') as string,
      });
      const { details } = await scope.runs.run('backup_management', { policies: ['one'] });
      expect(details['policies']).toMatchObject([{ policy: 'one', outcome: 'busy' }]);
      await open();
      expect(await first).toEqual({ tables: 1 });
      expect(await ask(target.url, 'select id from t order by id')).toEqual([{ id: 1 }, { id: 2 }]);
    });
  },
);
