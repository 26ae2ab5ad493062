import { Migrator, sql, type Kysely, type Migration as KyselyMigration, type MigrationResultSet } from 'kysely';
import { coreErrors } from '../errors/core-errors.js';
import type { Database } from './database.js';
import type { ColumnTypes, DialectName, DialectTraits } from './dialect.js';
import { isNoSuchTable, storeError } from './errors.js';
import { resumable } from './resumable.js';
import { unhurried } from './unhurried.js';

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
 * Brings a module's tables up to date. Any number of processes may start at once: one migrates, the others wait for it, and
 * that takes as long as it takes.
 * @returns the names of the migrations applied by this call
 * @throws SCHEMA_TOO_NEW when the database knows a migration that this version does not
 * @throws DATABASE_TOO_OLD when the database lacks what the tables are worked on with
 * @throws STORE_UNAVAILABLE when the database cannot be reached
 */
export async function migrate(database: Database, { module, migrations }: ModuleMigrations): Promise<string[]> {
  const context: MigrationContext = { types: database.traits.types, traits: database.traits };
  const table = `dotmac_${module}_migrations`;
  const operation = `migrating the tables of ${module}`;
  const refuseNewer = (applied: readonly string[], cause?: unknown): void =>
    refuseUnknown({ module, migrations }, applied, cause);
  // At nearly every start nothing is left to do, and that is told within the time that any other statement has.
  await refuseOldServer(database, operation);
  const before = await appliedTo(database, table, operation);
  refuseNewer(before);
  if (Object.keys(migrations).every((name) => before.includes(name))) return [];

  // Where the connection was lost, Kysely tells what its unlocking met instead.
  let failure: unknown;
  const applying = (up: Migration) => async (schema: Kysely<unknown>) => {
    try {
      await up(context.traits.transactionalDdl ? schema : resumable(schema), context);
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  const bound = Object.fromEntries(
    Object.entries(migrations).map(([name, up]): [string, KyselyMigration] => [name, { up: applying(up) }]),
  );
  const toLatest: ToLatest = (db, schema) =>
    new Migrator({
      db,
      provider: { getMigrations: () => Promise.resolve(bound) },
      migrationTableName: table,
      migrationLockTableName: `${table}_lock`,
      ...(schema !== undefined && { migrationTableSchema: schema }),
      // By bytes, not by the process's locale.
      nameComparator: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
    }).migrateToLatest();
  const { error, results = [] } = await unhurried(() => sessions[database.dialect](database, table, toLatest)).catch(
    (reason: unknown): MigrationResultSet => ({ error: reason }),
  );
  if (error !== undefined) {
    const met = failure ?? error;
    // Where that cannot be asked, the migration's own error tells more.
    refuseNewer(await appliedTo(database, table, operation).catch(() => []), met);
    throw storeError(met, operation);
  }
  return results.filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName);
}

/**
 * Refuses a database whose tables are not those of this version; for who has them migrated by somebody else.
 * @throws SCHEMA_TOO_OLD when it lacks a migration
 * @throws SCHEMA_TOO_NEW when it knows a migration that this version does not
 * @throws DATABASE_TOO_OLD when it lacks what the tables are worked on with
 * @throws STORE_UNAVAILABLE when it cannot be reached
 * @throws the driver's error when its user may not read which migrations it knows
 */
export async function checkMigrated(database: Database, { module, migrations }: ModuleMigrations): Promise<void> {
  const operation = `looking at the tables of ${module}`;
  await refuseOldServer(database, operation);
  const applied = await appliedTo(database, `dotmac_${module}_migrations`, operation);
  refuseUnknown({ module, migrations }, applied);
  const missing = Object.keys(migrations).find((name) => !applied.includes(name));
  if (missing !== undefined) throw coreErrors.SCHEMA_TOO_OLD({ module, migration: missing });
}

function refuseUnknown({ module, migrations }: ModuleMigrations, applied: readonly string[], cause?: unknown): void {
  const unknown = applied.find((name) => !Object.hasOwn(migrations, name));
  if (unknown !== undefined) throw coreErrors.SCHEMA_TOO_NEW({ module, migration: unknown }, { cause });
}

/** Applies what is not applied yet; `schema` is where the bookkeeping is, by default wherever a table of its name is. */
type ToLatest = (db: Kysely<unknown>, schema?: string) => Promise<MigrationResultSet>;

const sessions: Readonly<
  Record<DialectName, (database: Database, table: string, toLatest: ToLatest) => Promise<MigrationResultSet>>
> = {
  // Kysely's migrator takes no lock on SQLite, and no transaction either.
  sqlite: ({ kysely }, _, toLatest) =>
    kysely.connection().execute(async (connection) => {
      await sql`begin immediate`.execute(connection);
      const outcome = await toLatest(connection);
      await (outcome.error === undefined ? sql`commit` : sql`rollback`).execute(connection);
      return outcome;
    }),
  postgres: ({ kysely }, table, toLatest) =>
    kysely.connection().execute(async (connection) => {
      // Several applications may have a schema each: the table that this one's search path finds, or else would make.
      const { rows } = await sql<{ schema: string | null; limit: string }>`
        select coalesce((select nspname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
          where pg_class.oid = to_regclass(${table})),
          current_schema()) as schema, current_setting('statement_timeout') as limit`.execute(connection);
      const [{ schema = null, limit = '0' } = {}] = rows;
      const limitTo = (ms: string) => sql`select set_config('statement_timeout', ${ms}, false)`.execute(connection);
      await limitTo('0');
      try {
        return await toLatest(connection, schema ?? undefined);
      } finally {
        // A session that cannot be asked has been lost, and its limit with it; what was applied is applied.
        await limitTo(limit).catch(() => undefined);
      }
    }),
  mysql: ({ kysely }, _, toLatest) => toLatest(kysely),
};

/** SKIP LOCKED came with MySQL 8 and MariaDB 10.6, which may put 5.5.5 before its version. */
async function refuseOldServer({ dialect, kysely }: Database, operation: string): Promise<void> {
  if (dialect !== 'mysql') return;
  const { rows } = await sql<{ version: string }>`select version() as version`
    .execute(kysely)
    .catch((error: unknown) => Promise.reject(storeError(error, operation)));
  const version = rows[0]?.version ?? '';
  const [, major, minor] = /^(?:5\.5\.5-)?(\d+)\.(\d+)\./.exec(version) ?? [];
  const [needed, least] = /mariadb/i.test(version) ? ['MariaDB 10.6', 1_006] : ['MySQL 8', 800];
  if (Number(major) * 100 + Number(minor) < least) throw coreErrors.DATABASE_TOO_OLD({ needed, version });
}

/**
 * The migrations that the database has, in the order of their names: none when it has no table of them yet.
 * @throws STORE_UNAVAILABLE when the database cannot be reached, or does not answer; the driver's error of whatever else
 */
async function appliedTo(database: Database, table: string, operation: string): Promise<string[]> {
  try {
    const tables = database.withTables<Record<string, { name: string }>>();
    const rows = await tables.selectFrom(table).select('name').orderBy('name').execute();
    return rows.map(({ name }) => name);
  } catch (error) {
    if (isNoSuchTable(error)) return [];
    throw storeError(error, operation);
  }
}
