import { inTransaction, type Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import type { DueRows } from '../database.js';
import { batchError } from '../failures.js';
import { isDue } from './due-rows.js';

/**
 * Deletes one batch, oldest first, by rowid (by primary key in a WITHOUT ROWID table). Each batch is a transaction of
 * its own, so that writers get in between. Index: one that begins with the time column.
 */
export async function deleteBatch(database: Database, due: DueRows, limit: number, policy: string): Promise<number> {
  const { table, rowIdentity, primaryKey } = due.facts;
  const key = rowIdentity === '' ? sql.join(primaryKey.map((column) => sql.id(column))) : sql.id(rowIdentity);
  // A row's number may be named by its key's column alone: one value needs no tuple.
  const tuple = rowIdentity === '' && primaryKey.length > 1 ? sql`(${key})` : key;
  try {
    const result = await inTransaction(database, undefined, (trx) =>
      sql`
        delete from ${sql.id(table)} where ${isDue(due)} and ${tuple} in (
          select ${key} from ${sql.id(table)} where ${isDue(due)} order by ${sql.id(due.timeColumn)} limit ${limit}
        )
      `.execute(trx),
    );
    return Number(result.numAffectedRows ?? 0n);
  } catch (error) {
    throw batchError(error, policy);
  }
}
