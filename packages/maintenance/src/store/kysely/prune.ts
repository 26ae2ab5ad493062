import { sql } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import { deleteRows } from '../../databases/rows/delete-rows.js';
import { tableId } from '../../databases/rows/due.js';
import type { TableInTime } from '../../databases/rows/selection.js';
import { chooseStrategy } from '../../databases/rows/strategy.js';
import { rowDialect } from '../../databases/row-dialects.js';
import type { Pruning } from '../store.js';

/** Each by the index that begins with its time, but for schedules: of those there are few. Null times are never old. */
const aged: readonly TableInTime[] = [
  { table: 'dotmac_maintenance_runs', timeColumn: 'ended_at' },
  { table: 'dotmac_maintenance_ledger', timeColumn: 'slot_at' },
  { table: 'dotmac_maintenance_plans', timeColumn: 'created_at' },
  { table: 'dotmac_maintenance_schedules', timeColumn: 'deleted_at' },
];

/**
 * Removes rows of our own tables from before `before` as those of the host's are removed: in small transactions that rest
 * in between, retried with fewer rows, each of which confirms that the work is still this process's.
 * @returns how many went
 */
export async function prune(database: Database, before: number, pruning: Pruning): Promise<number> {
  const { clock, signal, confirm } = pruning;
  const dialect = rowDialect(database);
  let gone = 0;
  for (const table of aged) {
    const { kysely } = database;
    // What is asked every minute, and mostly in vain, is asked cheaply.
    const { rows: old } = await sql`
      select 1 from ${tableId(table)} where ${sql.id(table.timeColumn)} < ${before} limit 1`.execute(kysely);
    const facts = old.length > 0 && (await dialect.describe(kysely, table));
    if (!facts) continue;
    const selection = { ...table, timeUnit: 'ms', cutoff: before } as const;
    const unknown = { due: null, total: null, archives: false, allowFullScan: true };
    const chosen = chooseStrategy(dialect, selection, facts, unknown);
    if ('refused' in chosen || !chosen.walk) throw new TypeError(`${table.table} is not as its migrations made it.`);
    const { deleted } = await deleteRows(
      { dialect, selection, facts, walk: chosen.walk },
      {
        ...{ database, clock, signal },
        confirm: (trx) => confirm({ database, trx }),
        remaining: () => Infinity,
        onBatch: () => Promise.resolve(true),
      },
    );
    gone += deleted;
  }
  return gone;
}
