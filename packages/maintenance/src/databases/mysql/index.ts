import { sql, type Kysely } from 'kysely';
import type { DatabaseUpkeep } from '../advice.js';
import { advise, tableNames } from './advice/advise.js';
import { slowQueries } from './advice/slow-queries.js';
import { analyze } from './upkeep.js';

/** Advice on MySQL and MariaDB. Their indexes are not built anew by themselves: that is the table's building anew. */
export function mysqlUpkeep(db: Kysely<unknown>): DatabaseUpkeep {
  return {
    tables: (named) => tableNames(db, named),
    advise: (request) => advise(db, request),
    slowQueries: (limit) => slowQueries(db, limit),
    indexes: () => Promise.resolve([]),
    rebuildIndex: (_table, index) =>
      Promise.resolve({ index, outcome: 'refused', reason: 'InnoDB builds tables anew, not indexes', bytes: 0 }),
    analyze: (table) => analyze(db, { table }),
    vacuum: (table) => analyze(db, { table }),
    compact: () => Promise.resolve(),
    statements: ({ does, table }) =>
      table === null || does === 'rebuild' ? [] : [sql`analyze table ${sql.id(table)}`.compile(db).sql],
  };
}
