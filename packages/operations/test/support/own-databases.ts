import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { kyselyHealthStore } from '@dotmac/health';
import { kyselyLifecycleStore } from '@dotmac/lifecycle';
import { kyselyMaintenanceStore } from '@dotmac/maintenance';
import { available, freshMysql, freshPostgres, type FreshDatabase } from '../../../../test/support/services.js';

async function freshSqlite(): Promise<FreshDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'dotmac-own-tables-'));
  return { url: `sqlite:${join(folder, 'app.db')}`, drop: () => rm(folder, { recursive: true }) };
}

/** The databases that all domains can share. */
export const databases = [
  { title: 'SQLite', present: true, fresh: freshSqlite },
  { title: 'PostgreSQL (needs PostgreSQL: npm run services)', present: available.postgres, fresh: freshPostgres },
  { title: 'MariaDB (needs MariaDB: npm run services)', present: available.mysql, fresh: freshMysql },
] as const;

/** One with the tables of all domains, for as long as the test lasts. */
export async function withAllTables(fresh: () => Promise<FreshDatabase> = freshSqlite): Promise<Database> {
  const { url, drop } = await fresh();
  const database = databaseFromUrl(url);
  onTestFinished(() => database.close().then(drop));
  for (const storeOn of [kyselyHealthStore, kyselyLifecycleStore, kyselyMaintenanceStore])
    await storeOn(database).migrate();
  return database;
}
