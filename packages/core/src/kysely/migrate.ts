import { Migrator, sql, type Kysely, type Migration as KyselyMigration, type MigrationResultSet } from 'kysely';
import { coreErrors } from '../errors/core-errors.js';
import type { Database } from './database.js';
import type { ColumnTypes, DialectTraits } from './dialect.js';
import { storeError } from './errors.js';
import { resumable } from './resumable.js';

/** What a migration is told of the database it changes. */
export interface MigrationContext {
  types: ColumnTypes;
  traits: DialectTraits;
}

/**
 * One change of the schema, forward only. On MySQL a migration is not undone when it fails midway (DDL commits by
 * itself), but begun again from its first statement: create tables with `ifNotExists()`, and write only what can be written
 * twice. Columns and indexes that are there already, or gone, are passed over.
 */
export type Migration = (schema: Kysely<unknown>, context: MigrationContext) => Promise<void>;

/** A module's migrations, by names that sort in the order of applying: `0001-endpoints`. */
export interface ModuleMigrations {
  /** Names the bookkeeping table: `dotmac_<module>_migrations`. */
  module: string;
  migrations: Record<string, Migration>;
}

/**
 * Brings a module's tables up to date. Any number of processes may start at once: one migrates, the others wait for it.
 * @returns the names of the migrations applied by this call
 * @throws SCHEMA_TOO_NEW when the database knows a migration that this version does not
 * @throws STORE_UNAVAILABLE when the database cannot be reached or the migration lock is held for longer than a query
 * may take
 */
export async function migrate(database: Database, { module, migrations }: ModuleMigrations): Promise<string[]> {
  const context: MigrationContext = { types: database.traits.types, traits: database.traits };
  const table = `dotmac_${module}_migrations`;
  const bound = Object.fromEntries(
    Object.entries(migrations).map(([name, up]): [string, KyselyMigration] => [
      name,
      { up: (schema) => up(context.traits.transactionalDdl ? schema : resumable(schema), context) },
    ]),
  );
  const toLatest = (db: Kysely<unknown>): Promise<MigrationResultSet> =>
    new Migrator({
      db,
      provider: { getMigrations: () => Promise.resolve(bound) },
      migrationTableName: table,
      migrationLockTableName: `${table}_lock`,
      // By bytes, not by the process's locale.
      nameComparator: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
    }).migrateToLatest();
  const { error, results = [] } = await (database.dialect === 'sqlite'
    ? inOneWrite(database, toLatest)
    : toLatest(database.kysely));
  if (error !== undefined) {
    const unknown = await firstUnknown(database, table, migrations);
    if (unknown !== undefined) throw coreErrors.SCHEMA_TOO_NEW({ module, migration: unknown }, { cause: error });
    throw storeError(error, `migrating the tables of ${module}`);
  }
  return results.filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName);
}

/** Kysely's migrator takes no lock on SQLite, and no transaction either. */
async function inOneWrite(
  database: Database,
  toLatest: (db: Kysely<unknown>) => Promise<MigrationResultSet>,
): Promise<MigrationResultSet> {
  try {
    return await database.kysely.connection().execute(async (connection) => {
      await sql`begin immediate`.execute(connection);
      const outcome = await toLatest(connection);
      await (outcome.error === undefined ? sql`commit` : sql`rollback`).execute(connection);
      return outcome;
    });
  } catch (error) {
    return { error };
  }
}

/**
 * The first migration that the database has and this version does not; undefined when there is none, or it cannot be
 * asked.
 */
async function firstUnknown(
  database: Database,
  table: string,
  known: Record<string, Migration>,
): Promise<string | undefined> {
  try {
    const rows = await database
      .withTables<Record<string, { name: string }>>()
      .selectFrom(table)
      .select('name')
      .orderBy('name')
      .execute();
    return rows.map(({ name }) => name).find((name) => !Object.hasOwn(known, name));
  } catch {
    return undefined; // The migration's own error tells more.
  }
}
