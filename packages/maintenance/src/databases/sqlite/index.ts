import type { Kysely } from 'kysely';
import type { MaintainedDatabase } from '../database.js';
import { adviseIndexes } from './advice.js';
import { describeTable } from './catalogue.js';
import { analyze, fileSize, rebuildIndexes, vacuum } from './upkeep.js';

/** SQLite, from version 3.38. */
export function maintainedSqlite(db: Kysely<unknown>): MaintainedDatabase {
  return {
    describe: (selection) => describeTable(db, selection),
    size: () => fileSize(db),
    vacuum: (table) => vacuum(db, table),
    analyze: (table) => analyze(db, table),
    adviseIndexes: (tables) => adviseIndexes(db, tables),
    rebuildIndexes: (table) => rebuildIndexes(db, table),
    slowQueries: () =>
      Promise.resolve({ available: false, reason: 'SQLite keeps no statistics of queries', queries: [] }),
  };
}
