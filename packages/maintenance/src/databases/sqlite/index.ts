import { sql, type Kysely } from 'kysely';
import type { DatabaseUpkeep } from '../advice.js';
import { advise, tableNames } from './advice/advise.js';
import { giveBack } from './give-back.js';
import { analyze, indexNames, rebuildIndex, writeBackLog } from './upkeep.js';

/** Advice on a SQLite file, and what can be done about it. */
export function sqliteUpkeep(db: Kysely<unknown>): DatabaseUpkeep {
  return {
    tables: (named) => tableNames(db, named),
    advise: (request) => advise(db, request),
    slowQueries: () =>
      Promise.resolve({ available: false, reason: 'SQLite keeps no statistics of queries', queries: [] }),
    indexes: async (table) => (await indexNames(db, table)).map((name) => ({ name, id: name, isValid: true })),
    async rebuildIndex(_table, index) {
      await rebuildIndex(db, index);
      return { index, outcome: 'rebuilt', reason: null, bytes: 0 };
    },
    analyze: (table) => analyze(db, table),
    vacuum: (table) => analyze(db, table),
    statements({ does, table, index = '' }) {
      if (does === 'rebuild') return [sql`reindex ${sql.id('main', index)}`.compile(db).sql];
      if (table !== null) return [sql`analyze ${sql.id(table)}`.compile(db).sql];
      return ['pragma incremental_vacuum', 'pragma optimize', 'pragma wal_checkpoint(truncate)'];
    },
    async compact(pauses) {
      await giveBack(db, {}, pauses);
      await writeBackLog(db);
    },
  };
}
