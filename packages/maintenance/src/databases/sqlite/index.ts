import type { Database } from '@dotmac/core/kysely';
import type { MaintainedDatabase } from '../database.js';
import { deleteBatch } from './delete-batch.js';
import { describe } from './describe.js';
import { countDue } from './due-rows.js';
import { adviseIndexes, rebuildIndexes, slowQueries } from './indexes.js';
import { size, updateStatistics, vacuum } from './vacuum.js';

/** SQLite, as maintenance works on it. */
export function maintainSqlite(database: Database): MaintainedDatabase {
  return {
    dialect: 'sqlite',
    describe: (name) => describe(database, name),
    countDue: (due) => countDue(database, due),
    deleteBatch: (due, limit, policy) => deleteBatch(database, due, limit, policy),
    size: () => size(database),
    vacuum: (facts, options) => vacuum(database, facts, options),
    updateStatistics: (facts) => updateStatistics(database, facts),
    rebuildIndexes: (facts) => rebuildIndexes(database, facts),
    adviseIndexes: (facts) => adviseIndexes(database, facts),
    slowQueries,
  };
}
