export { parseConnectionUrl, type ConnectionParts } from './connection-url.js';
export type { Database } from './database.js';
export {
  databaseFromUrl,
  fromKysely,
  mysql,
  postgres,
  sqlite,
  type DatabaseOptions,
  type PoolOptions,
  type SqliteOptions,
} from './open.js';
export type { Mysql2Pool, PgPool } from './pools.js';
export type { SqliteHandle } from './sqlite-driver.js';
export { dialectTraits, type ColumnTypes, type DialectName, type DialectTraits } from './dialect.js';
export { fromFlag, fromJson, numberOrNull, toFlag, toJson } from './values.js';
export { bulkUpsert } from './bulk-upsert.js';
export { insertedCount, onConflictDoNothing, upsert, type Merge } from './upsert.js';
export { isConnectionError, isRetryable, isUniqueViolation, storeError } from './errors.js';
export { executorFor, inTransaction, retrying, type TransactionOptions } from './transaction.js';
export type { CoreTables } from './core-tables.js';
export { keptQuery } from './kept-query.js';
export { insertNewRows, insertOf, insertRows } from './insert-rows.js';
export { jsonOf } from './write-text.js';
export { writeTogether } from './write-together.js';
export type { Write, WriteRow, WritesTogether } from './writes.js';
export { coreMigrations } from './core-migrations.js';
export { checkMigrated, migrate, type Migration, type MigrationContext, type ModuleMigrations } from './migrate.js';
export { kyselyOutbox, type KyselyOutbox, type KyselyOutboxOptions } from './outbox-store.js';
export { databaseTime, kyselyLeases, type KyselyLeasesOptions } from './lease-store.js';
export { leaseWithin } from './lease-within.js';
export { kyselyIdempotencyStore } from './idempotency-store.js';
