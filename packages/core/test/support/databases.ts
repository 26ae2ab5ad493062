import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { available, freshMysql, freshPostgres, type FreshDatabase } from '../../../../test/support/services.js';
import type { DialectName } from '../../src/kysely/index.js';

export type { FreshDatabase };

/** A SQLite file of a test's own. */
function freshSqlite(): Promise<FreshDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'dotmac-core-'));
  return Promise.resolve({
    url: `sqlite:${join(folder, 'test.db')}`,
    drop: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
  });
}

/** Every database, to run one block of tests on each. */
export const dialects: readonly {
  dialect: DialectName;
  present: boolean;
  fresh: () => Promise<FreshDatabase>;
  title: string;
}[] = [
  { dialect: 'sqlite', present: true, fresh: freshSqlite, title: 'SQLite' },
  { dialect: 'postgres', present: available.postgres, fresh: freshPostgres, title: 'PostgreSQL' },
  { dialect: 'mysql', present: available.mysql, fresh: freshMysql, title: 'MariaDB' },
];
