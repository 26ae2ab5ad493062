import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mysql, postgres, sqlite, type Database } from '@dotmac/core/kysely';
import type { SuiteSubject } from '@dotmac/core/testing';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { kyselyHealthStore, memoryHealthStore, type HealthStore } from '../../src/index.js';

const migrated = async (database: Database, dispose: () => Promise<unknown>): Promise<SuiteSubject<HealthStore>> => {
  const store = kyselyHealthStore(database);
  await store.migrate();
  return {
    subject: store,
    async close() {
      await database.close();
      await dispose();
    },
  };
};

/** Every store that health has, each made empty. Databases that are not running are left out; in CI they must run. */
export const healthStores: readonly { title: string; open(): Promise<SuiteSubject<HealthStore>> }[] = [
  { title: 'in memory', open: () => Promise.resolve({ subject: memoryHealthStore() }) },
  {
    title: 'on SQLite',
    async open() {
      const directory = await mkdtemp(join(tmpdir(), 'dotmac-health-'));
      return migrated(sqlite(join(directory, 'health.db')), () => rm(directory, { recursive: true }));
    },
  },
  ...(available.postgres
    ? [
        {
          title: 'on PostgreSQL',
          async open() {
            const { url, drop } = await freshPostgres();
            return migrated(postgres(url), drop);
          },
        },
      ]
    : []),
  ...(available.mysql
    ? [
        {
          title: 'on MariaDB',
          async open() {
            const { url, drop } = await freshMysql();
            return migrated(mysql(url), drop);
          },
        },
      ]
    : []),
];
