import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mysql, postgres, sqlite, type Database } from '@dotmac/core/kysely';
import { runSuite, type SuiteSubject } from '@dotmac/core/testing';
import { describe, it } from 'vitest';
import { available, freshMysql, freshPostgres } from '../../../test/support/services.js';
import { kyselyHealthStore, memoryHealthStore, type HealthStore } from '../src/index.js';
import { healthStoreSuite } from '../src/testing/index.js';

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

describe('in memory', () => {
  runSuite(healthStoreSuite, { describe, it }, async () => ({ subject: memoryHealthStore() }));
});

describe('on SQLite', () => {
  runSuite(healthStoreSuite, { describe, it }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'dotmac-health-'));
    return migrated(sqlite(join(directory, 'health.db')), () => rm(directory, { recursive: true }));
  });
});

describe.skipIf(!available.postgres)('on PostgreSQL (needs PostgreSQL: npm run services)', () => {
  runSuite(healthStoreSuite, { describe, it }, async () => {
    const { url, drop } = await freshPostgres();
    return migrated(postgres(url), drop);
  });
});

describe.skipIf(!available.mysql)('on MariaDB (needs MariaDB: npm run services)', () => {
  runSuite(healthStoreSuite, { describe, it }, async () => {
    const { url, drop } = await freshMysql();
    return migrated(mysql(url), drop);
  });
});
