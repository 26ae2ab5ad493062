import type { Kysely } from 'kysely';
import type { MaintainedDatabase } from '../database.js';
import type { DatabaseUpkeep } from '../advice.js';
import { advise, tableNames } from './advice/advise.js';
import { describeTable } from './catalogue.js';
import { analyze, fileSize, giveBackFreePages, indexNames, rebuildIndex, vacuum, writeBackLog } from './upkeep.js';

/** SQLite, from version 3.38. */
export function maintainedSqlite(db: Kysely<unknown>): MaintainedDatabase {
  return {
    describe: (selection) => describeTable(db, selection),
    size: () => fileSize(db),
    vacuum: (table) => vacuum(db, table),
    analyze: (table) => analyze(db, table),
  };
}

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
    vacuum: (table) => vacuum(db, table),
    async compact() {
      await giveBackFreePages(db);
      await writeBackLog(db);
    },
  };
}
