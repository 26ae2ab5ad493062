import type { Kysely } from 'kysely';
import type { MaintainedDatabase } from '../database.js';
import { adviseIndexes, slowQueries } from './advice.js';
import { describeTable } from './catalogue.js';
import { analyze, rebuildIndexes, tableSize, vacuum } from './upkeep.js';

/** PostgreSQL, from version 13. */
export function maintainedPostgres(db: Kysely<unknown>): MaintainedDatabase {
  return {
    describe: (selection) => describeTable(db, selection),
    size: (table) => tableSize(db, table),
    vacuum: (table) => vacuum(db, table),
    analyze: (table) => analyze(db, table),
    adviseIndexes: (tables) => adviseIndexes(db, tables),
    rebuildIndexes: (table) => rebuildIndexes(db, table),
    slowQueries: (limit) => slowQueries(db, limit),
  };
}
