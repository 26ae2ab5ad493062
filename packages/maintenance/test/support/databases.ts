import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { available, freshMysql, freshPostgres, type FreshDatabase } from '../../../../test/support/services.js';

async function freshSqlite(): Promise<FreshDatabase> {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-maintenance-'));
  return { url: `sqlite:${join(directory, 'test.db')}`, drop: () => rm(directory, { recursive: true }) };
}

/** Every database that maintenance works on. */
export const dialects = [
  { dialect: 'sqlite', title: 'SQLite', present: true, fresh: freshSqlite },
  {
    dialect: 'postgres',
    title: 'PostgreSQL (needs PostgreSQL: npm run services)',
    present: available.postgres,
    fresh: freshPostgres,
  },
  { dialect: 'mysql', title: 'MariaDB (needs MariaDB: npm run services)', present: available.mysql, fresh: freshMysql },
] as const;
export type { FreshDatabase };
