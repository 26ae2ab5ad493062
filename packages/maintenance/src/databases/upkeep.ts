import type { Database, DialectName } from '@dotmac/core/kysely';
import type { DatabaseUpkeep } from './advice.js';
import { mysqlUpkeep } from './mysql/index.js';
import { postgresUpkeep } from './postgres/index.js';
import { sqliteUpkeep } from './sqlite/index.js';

const byDialect: Record<DialectName, (db: Database['kysely']) => DatabaseUpkeep> = {
  sqlite: sqliteUpkeep,
  postgres: postgresUpkeep,
  mysql: mysqlUpkeep,
};

/** What can be said of that database, and done for it. */
export function upkeepOf({ dialect, kysely }: Database): DatabaseUpkeep {
  return byDialect[dialect](kysely);
}
