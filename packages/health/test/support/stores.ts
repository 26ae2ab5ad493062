import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqlite, type Database } from '@dotmac/core/kysely';
import type { SuiteSubject } from '@dotmac/core/testing';
import { handedOn, patient } from '../../../core/test/support/handed-on.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { kyselyHealthStore, memoryHealthStore, type HealthStore } from '../../src/index.js';

const migrate = (database: Database): Promise<void> => kyselyHealthStore(database).migrate();
const on = (lend: () => Promise<{ database: Database; close(): Promise<void> }>) => async () => {
  const { database, close } = await lend();
  return { subject: kyselyHealthStore(database), close } satisfies SuiteSubject<HealthStore>;
};
const aFile = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-health-'));
  const database = sqlite(join(directory, 'health.db'), patient);
  await migrate(database);
  return { database, close: () => database.close().then(() => rm(directory, { recursive: true })) };
};

/** Every store that health has, each made empty. Databases that are not running are left out; in CI they must run. */
export const healthStores: readonly { title: string; open(): Promise<SuiteSubject<HealthStore>> }[] = [
  { title: 'in memory', open: () => Promise.resolve({ subject: memoryHealthStore() }) },
  { title: 'on SQLite', open: on(aFile) },
  ...(available.postgres ? [{ title: 'on PostgreSQL', open: on(handedOn(freshPostgres, migrate)) }] : []),
  ...(available.mysql ? [{ title: 'on MariaDB', open: on(handedOn(freshMysql, migrate)) }] : []),
];
