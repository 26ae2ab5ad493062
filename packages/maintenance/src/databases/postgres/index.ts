import { sql, type Kysely } from 'kysely';
import type { DatabaseUpkeep } from '../advice.js';
import { advise } from './advice/advise.js';
import { tableOids } from './advice/scope.js';
import { slowQueries } from './advice/slow-queries.js';
import { indexesOf, rebuildIndex } from './rebuild-index.js';
import { vacuum } from './upkeep.js';

/** Advice on PostgreSQL, and what can be done about it. */
export function postgresUpkeep(db: Kysely<unknown>): DatabaseUpkeep {
  return {
    tables: async (named) => (await tableOids(db, named)).map(({ name }) => name),
    advise: (request) => advise(db, request),
    slowQueries: (limit) => slowQueries(db, limit),
    indexes: (table) => indexesOf(db, table),
    rebuildIndex: (table, index, limits) => rebuildIndex(db, table, index, limits),
    analyze: (table, pauses) => vacuum(db, sql`analyze`, { table }, pauses),
    vacuum: (table, pauses) => vacuum(db, sql`vacuum (analyze)`, { table }, pauses),
    compact: () => Promise.resolve(),
    statements({ does, table, index = '' }) {
      if (table === null) return [];
      const by = { analyze: sql`analyze`, vacuum: sql`vacuum (analyze)`, rebuild: sql`reindex index concurrently` };
      return does === 'compact' ? [] : [sql`${by[does]} ${sql.id(does === 'rebuild' ? index : table)}`.compile(db).sql];
    },
  };
}
