import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { fakeClock, type FakeClock } from '@dotmac/core/testing';
import { handedOn, patient } from '../../../core/test/support/handed-on.js';
import { available, freshMysql, freshPostgres, type FreshDatabase } from '../../../../test/support/services.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { memoryLifecycleStore } from '../../src/store/memory/index.js';
import type { LifecycleStore } from '../../src/store/store.js';
import { inStep } from '../../../core/test/support/traffic.js';

/** A store of a test's own, on a clock that the test moves. */
export interface Backend {
  store: LifecycleStore;
  clock: FakeClock;
  /** Absent in memory. */
  database?: Database;
  url?: string;
  close(): Promise<void>;
}

/** A SQLite file of a test's own. */
export function freshSqlite(): Promise<FreshDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'dotmac-lifecycle-'));
  return Promise.resolve({
    url: `sqlite:${join(folder, 'test.db')}`,
    drop: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
  });
}

type Lend = () => Promise<{ url: string; database: Database; close(): Promise<void> }>;
const on = (lend: Lend) => async (): Promise<Backend> => {
  const clock = fakeClock();
  const { url, database, close } = await lend();
  return { ...inStep(kyselyLifecycleStore(database, { clock }), clock), database, url, close };
};

const migrate = (database: Database): Promise<void> => kyselyLifecycleStore(database).migrate();
const aFile: Lend = async () => {
  const { url, drop } = await freshSqlite();
  const database = databaseFromUrl(url, patient);
  await migrate(database);
  return { url, database, close: () => database.close().then(drop) };
};

const inMemory = (): Promise<Backend> => {
  const clock = fakeClock();
  return Promise.resolve({ store: memoryLifecycleStore({ clock }), clock, close: () => Promise.resolve() });
};

/** Where one transaction waits for the other. */
export const takesTurns: ReadonlySet<string> = new Set(['memory', 'SQLite']);

/** Every store, to run one block of tests on each. */
export const backends: readonly { title: string; present: boolean; create: () => Promise<Backend> }[] = [
  { title: 'memory', present: true, create: inMemory },
  { title: 'SQLite', present: true, create: on(aFile) },
  { title: 'PostgreSQL', present: available.postgres, create: on(handedOn(freshPostgres, migrate)) },
  { title: 'MariaDB', present: available.mysql, create: on(handedOn(freshMysql, migrate)) },
];
