import { sql } from 'kysely';
import { afterAll } from 'vitest';
import { databaseFromUrl, type Database } from '../../src/kysely/index.js';
import type { FreshDatabase } from '../../../../test/support/services.js';

/** A database that is one test's for a while. */
export interface LentDatabase {
  url: string;
  database: Database;
  /** Hands it on. */
  close(): Promise<void>;
}

/** For crowds in a test: how long the last waits for a connection says how busy the machine is, and nothing else. */
export const patient = { acquireTimeoutMs: 60_000 } as const;

/**
 * Databases that the tests of a file hand on to each other, emptied: on a server, making one with all its tables takes
 * longer than most tests do. A test that changes the tables themselves makes its own.
 */
export function handedOn(
  fresh: () => Promise<FreshDatabase>,
  migrate: (database: Database) => Promise<void>,
): () => Promise<LentDatabase> {
  const idle: (FreshDatabase & { tables: readonly string[] })[] = [];
  afterAll(async () => {
    for (const { drop } of idle.splice(0)) await drop();
  });
  const made = async () => {
    const one = await fresh();
    const database = databaseFromUrl(one.url);
    await migrate(database);
    const tables = await tablesOf(database);
    await database.close();
    return { ...one, tables };
  };
  return async () => {
    const left = idle.pop();
    const one = left ?? (await made());
    const database = databaseFromUrl(one.url, patient);
    if (left) await empty(database, one.tables);
    return { url: one.url, database, close: () => database.close().then(() => void idle.push(one)) };
  };
}

/** The names of all tables. */
export async function tablesOf({ kysely, dialect }: Database): Promise<string[]> {
  const own = dialect === 'postgres' ? sql`current_schema()` : sql`database()`;
  const { rows } = await sql<{ name: string }>`${
    dialect === 'sqlite'
      ? sql`select name from sqlite_master where type = 'table'`
      : sql`select table_name as name from information_schema.tables where table_schema = ${own}`
  }`.execute(kysely);
  return rows.map(({ name }) => name);
}

/** As after the migrations: what a test added goes, and so do all rows. */
async function empty(database: Database, tables: readonly string[]): Promise<void> {
  for (const table of await tablesOf(database))
    if (!tables.includes(table)) await sql`drop table ${sql.table(table)}`.execute(database.kysely);
    else if (!table.includes('_migrations')) await sql`delete from ${sql.table(table)}`.execute(database.kysely);
}
