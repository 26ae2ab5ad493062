import type { Database, DialectName } from '@dotmac/core/kysely';
import type { MaintainedDatabase } from './database.js';
import { maintainedMysql } from './mysql/index.js';
import { maintainedPostgres } from './postgres/index.js';
import { maintainedSqlite } from './sqlite/index.js';

const byDialect: Record<DialectName, (db: Database['kysely']) => MaintainedDatabase> = {
  sqlite: maintainedSqlite,
  postgres: maintainedPostgres,
  mysql: maintainedMysql,
};

/** What maintenance can do to that database. */
export function maintained({ dialect, kysely }: Database): MaintainedDatabase {
  return byDialect[dialect](kysely);
}
