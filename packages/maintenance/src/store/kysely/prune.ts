import { sql } from 'kysely';
import {
  databaseTime,
  inTransaction,
  type CoreTables,
  type Database,
  type KyselyLeasesOptions,
} from '@dotmac/core/kysely';
import { deleteRows } from '../../databases/rows/delete-rows.js';
import { tableId } from '../../databases/rows/due.js';
import type { RowPredicate, TableInTime } from '../../databases/rows/selection.js';
import { chooseStrategy } from '../../databases/rows/strategy.js';
import { rowDialect } from '../../databases/row-dialects.js';
import { leasePrefix } from '../../runs/lease-keys.js';
import type { Pruning } from '../store.js';

/** Rows that go by a time; not those that have another column, where they go by that. */
interface Aged extends TableInTime {
  unless?: string;
}

/**
 * Each by the index that begins with its time, but for schedules: of those there are few. Null times are never old. Slots have none that
 * an older version wrote beside this one.
 */
const aged: readonly Aged[] = [
  { table: 'dotmac_maintenance_runs', timeColumn: 'ended_at' },
  { table: 'dotmac_maintenance_ledger', timeColumn: 'next_at' },
  { table: 'dotmac_maintenance_ledger', timeColumn: 'slot_at', unless: 'next_at' },
  { table: 'dotmac_maintenance_plans', timeColumn: 'created_at' },
  { table: 'dotmac_maintenance_schedules', timeColumn: 'deleted_at' },
];

/**
 * For as long as this nobody has had a lease that is forgotten: its fence begins anew, so whoever had it must not be only
 * asleep.
 */
const forgottenAfterMs = 90 * 86_400_000;
const mostForgotten = 500;

/**
 * Removes rows of our own tables from before `before` as those of the host's are removed: in small transactions that rest
 * in between, retried with fewer rows, each of which confirms that the work is still this process's.
 * Leases that nobody has had for long are forgotten, too.
 * @returns how many rows went, leases aside
 */
export async function prune(
  database: Database,
  before: number,
  pruning: Pruning,
  leasesOptions: KyselyLeasesOptions,
): Promise<number> {
  const { clock, signal, confirm } = pruning;
  const dialect = rowDialect(database);
  let gone = 0;
  for (const { unless, ...table } of aged) {
    const { kysely } = database;
    const isOld = sql`${sql.id(table.timeColumn)} < ${before}`;
    // What is asked every minute, and mostly in vain, is asked cheaply.
    const { rows: old } = await sql`
      select 1 from ${tableId(table)} where ${isOld}
      ${unless === undefined ? sql`` : sql`and ${sql.id(unless)} is null`} limit 1`.execute(kysely);
    const facts = old.length > 0 && (await dialect.describe(kysely, table));
    if (!facts) continue;
    const where: RowPredicate | undefined = unless === undefined ? undefined : (eb) => eb(unless, 'is', null);
    const selection = { ...table, timeUnit: 'ms', cutoff: before, where } as const;
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
  await forgetLeases(database, pruning, leasesOptions);
  return gone;
}

/** Leases are named for machines and processes, which are new ones after every deployment. By the clock that ends them. */
async function forgetLeases(
  database: Database,
  { signal, confirm }: Pruning,
  { clock }: KyselyLeasesOptions,
): Promise<void> {
  const kysely = database.withTables<CoreTables>();
  const longAgo = sql<number>`${databaseTime(database, clock)} - ${sql.lit(forgottenAfterMs)}`;
  const unheld = kysely
    .selectFrom('dotmac_leases')
    .where('name', 'like', `${leasePrefix}%`)
    .where('until_at', '<', longAgo)
    .select('name')
    .limit(mostForgotten);
  for (let found = await unheld.execute(); found.length > 0; found = await unheld.execute()) {
    signal.throwIfAborted();
    const names = found.map(({ name }) => name);
    await inTransaction<CoreTables, void>(database, undefined, async (trx) => {
      await confirm({ database, trx });
      // Somebody may have taken one meanwhile.
      await trx.deleteFrom('dotmac_leases').where('name', 'in', names).where('until_at', '<', longAgo).execute();
    });
  }
}
