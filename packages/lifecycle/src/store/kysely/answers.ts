import type { StoreTransaction } from '@dotmac/core';
import { executorFor, insertedCount, onConflictDoNothing, type Database } from '@dotmac/core/kysely';
import type { AnswerStore } from '../store.js';
import type { AnswerRow } from './answer-row.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_command_answers';

/** Answers in the database. Index: the primary key. */
export function kyselyAnswers(database: Database, tenantId: string): AnswerStore {
  const on = (trx?: StoreTransaction) => executorFor<LifecycleTables>(database, trx);
  const kept = (key: string, trx?: StoreTransaction) =>
    on(trx)
      .selectFrom(table)
      .select(['fingerprint', 'customer_id', 'answer', 'keep_until'])
      .where('tenant_id', '=', tenantId)
      .where('key_hash', '=', key);
  const keptOf = (row: Omit<AnswerRow, 'tenant_id' | 'key_hash'>) => {
    return { fingerprint: row.fingerprint, customerId: row.customer_id, answer: row.answer };
  };
  return {
    async find(key, now, trx) {
      const row = await kept(key, trx).where('keep_until', '>', now).where('answer', 'is not', null).executeTakeFirst();
      return row && keptOf(row);
    },
    async claim({ key, fingerprint, keepUntil }, now, trx) {
      const fresh = { fingerprint, customer_id: null, answer: null, keep_until: keepUntil };
      // The unique key lets one in; who comes while its transaction is open waits here for the end of it.
      const insert = on(trx)
        .insertInto(table)
        .values({ ...fresh, tenant_id: tenantId, key_hash: key });
      for (;;) {
        if (insertedCount(await onConflictDoNothing(database, insert).execute()) === 1) return undefined;
        const locked = database.traits.skipLocked ? kept(key, trx).forUpdate() : kept(key, trx);
        const row = await locked.executeTakeFirst();
        if (!row) continue; // Removed in between.
        if (Number(row.keep_until) > now && row.answer !== null) return keptOf(row);
        const { numUpdatedRows } = await on(trx)
          .updateTable(table)
          .set(fresh)
          .where('tenant_id', '=', tenantId)
          .where('key_hash', '=', key)
          .executeTakeFirst();
        if (numUpdatedRows === 1n) return undefined;
      }
    },
    async keep(key, { customerId, answer }, trx) {
      await on(trx)
        .updateTable(table)
        .set({ customer_id: customerId, answer })
        .where('tenant_id', '=', tenantId)
        .where('key_hash', '=', key)
        .execute();
    },
  };
}

/** Removes what is past its time, some at a time; how many. Index: (keep_until). */
export async function pruneAnswers(database: Database, now: number, limit: number): Promise<number> {
  const kysely = database.withTables<LifecycleTables>();
  const old = await kysely
    .selectFrom(table)
    .select(['tenant_id', 'key_hash'])
    .where('keep_until', '<=', now)
    .orderBy('keep_until')
    .limit(limit)
    .execute();
  for (const { tenant_id, key_hash } of old)
    await kysely
      .deleteFrom(table)
      .where('tenant_id', '=', tenant_id)
      .where('key_hash', '=', key_hash)
      .where('keep_until', '<=', now)
      .execute();
  return old.length;
}
