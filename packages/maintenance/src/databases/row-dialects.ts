import type { Database, DialectName } from '@dotmac/core/kysely';
import { mysqlRows } from './mysql/rows.js';
import { postgresRows } from './postgres/rows.js';
import type { RowDialect } from './rows/dialect.js';
import { sqliteRows } from './sqlite/rows.js';

const byDialect: Record<DialectName, RowDialect> = { sqlite: sqliteRows, postgres: postgresRows, mysql: mysqlRows };

/** How rows are looked for and removed in that database. */
export function rowDialect({ dialect }: Database): RowDialect {
  return byDialect[dialect];
}
