import type { Clock } from '@dotmac/core';
import { databaseTime, type Database, type Migration } from '@dotmac/core/kysely';
import type { Transaction } from 'kysely';
import type { Receipt, SharedStore } from '../sharing.js';
import type { HealthTables } from './tables.js';

const table = 'dotmac_settlement_receipts';

type ReceiptTables = {
  /** What each process last wrote that was kept. */
  [table]: { process: string; number: number; settled_at: number };
};

/** For processes that do not know whether what they wrote was kept. */
export const receiptMigrations: Record<string, Migration> = {
  '0044-receipts': (schema, { types }) =>
    schema.schema
      .createTable(table)
      .ifNotExists()
      .addColumn('process', types.id, (c) => c.notNull().primaryKey())
      .addColumn('number', types.bigInt, (c) => c.notNull())
      .addColumn('settled_at', types.epochMs, (c) => c.notNull())
      .execute(),
};

/** One receipt for each process: of what it last wrote that was kept. */
export function kyselyReceipts(
  database: Database,
  clock: Pick<Clock, 'now'> | undefined,
): Pick<SharedStore, 'lastSettled' | 'pruneReceipts'> & {
  /** Says whether it is greater than any that was kept of its process. */
  keepReceipt(trx: Transaction<HealthTables>, receipt: Receipt): Promise<boolean>;
} {
  const kysely = database.withTables<ReceiptTables>();
  return {
    async keepReceipt(trx, { process, number }) {
      const own = trx.withTables<ReceiptTables>();
      const settled_at = databaseTime(database, clock);
      // Primary key. Whoever writes the same meanwhile is waited for; of two that are both the first, one fails.
      const known = await own
        .selectFrom(table)
        .select('number')
        .where('process', '=', process)
        .$if(database.traits.skipLocked, (query) => query.forUpdate())
        .executeTakeFirst();
      if (known && Number(known.number) >= number) return false;
      if (known) await own.updateTable(table).set({ number, settled_at }).where('process', '=', process).execute();
      else await own.insertInto(table).values({ process, number, settled_at }).execute();
      return true;
    },
    // Primary key.
    async lastSettled(process) {
      const row = await kysely.selectFrom(table).select('number').where('process', '=', process).executeTakeFirst();
      return Number(row?.number ?? 0);
    },
    // There are as many as there were processes within the time that they are kept.
    async pruneReceipts(before, limit) {
      const old = await kysely
        .selectFrom(table)
        .select('process')
        .where('settled_at', '<', before)
        .limit(limit)
        .execute();
      if (old.length > 0)
        await kysely
          .deleteFrom(table)
          .where(
            'process',
            'in',
            old.map(({ process }) => process),
          )
          .where('settled_at', '<', before)
          .execute();
      return old.length;
    },
  };
}
