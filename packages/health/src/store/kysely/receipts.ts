import type { Clock } from '@dotmac/core';
import { databaseTime, upsert, type Database, type Migration } from '@dotmac/core/kysely';
import type { Transaction } from 'kysely';
import type { Receipt, SharedStore } from '../sharing.js';
import type { HealthTables } from './tables.js';

const table = 'dotmac_settlement_receipts';

type ReceiptTables = {
  /** The last settlement of each process that was kept. */
  [table]: { process: string; number: number; settled_at: number };
};

/** For processes that do not know whether what they settled was kept. */
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

/** One receipt for each process: of the last settlement that was kept. */
export function kyselyReceipts(
  database: Database,
  clock: Pick<Clock, 'now'> | undefined,
): Pick<SharedStore, 'lastSettled' | 'pruneReceipts'> & {
  keepReceipt(trx: Transaction<HealthTables>, receipt: Receipt): Promise<void>;
} {
  const kysely = database.withTables<ReceiptTables>();
  return {
    async keepReceipt(trx, { process, number }) {
      const insert = trx
        .withTables<ReceiptTables>()
        .insertInto(table)
        .values({ process, number, settled_at: databaseTime(database, clock) });
      await upsert(database, insert, ['process'], { number: 'greatest', settled_at: 'replace' }).execute();
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
