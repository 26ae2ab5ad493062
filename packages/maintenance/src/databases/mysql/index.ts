import type { Kysely } from 'kysely';
import type { MaintainedDatabase } from '../database.js';
import { adviseIndexes, slowQueries } from './advice.js';
import { describeTable } from './catalogue.js';
import { analyze, tableSize } from './upkeep.js';

/** MySQL 8 and MariaDB 10.5, with InnoDB. */
export function maintainedMysql(db: Kysely<unknown>): MaintainedDatabase {
  return {
    describe: (selection) => describeTable(db, selection),
    size: (table) => tableSize(db, table),
    vacuum: (table) => analyze(db, table),
    analyze: (table) => analyze(db, table),
    adviseIndexes: (tables) => adviseIndexes(db, tables),
    rebuildIndexes: () => Promise.resolve(0),
    slowQueries: (limit) => slowQueries(db, limit),
  };
}
