import { sql } from 'kysely';
import { executorFor, upsert, type Database } from '@dotmac/core/kysely';
import type { StoreTransaction } from '@dotmac/core';
import type { Channel } from '../../verification/channel.js';
import type { StoredToken, TokenStore } from '../store.js';
import { tokenOf, tokenRow, type LifecycleTables } from './tables.js';

const table = 'dotmac_verification_tokens';
const quotas = sql.table('dotmac_verification_quotas');
const replaced = {
  id: 'replace',
  key_id: 'replace',
  hash: 'replace',
  attempts: 'replace',
  issued_at: 'replace',
  expires_at: 'replace',
  consumed_at: 'replace',
  issued: 'replace',
  window_started_at: 'replace',
} as const;

/** Verification tokens in the database. */
export function kyselyTokens(database: Database, tenantId: string): TokenStore {
  const on = (trx?: StoreTransaction) => executorFor<LifecycleTables>(database, trx);
  // In the snapshot of a host's own transaction, only a locking read sees what was issued since.
  const locks = database.traits.skipLocked;
  const get = async (
    customerId: string,
    channel: Channel,
    trx?: StoreTransaction,
  ): Promise<StoredToken | undefined> => {
    const row = await on(trx)
      .selectFrom(table)
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('customer_id', '=', customerId)
      .where('channel', '=', channel)
      .$if(locks && trx !== undefined, (query) => query.forUpdate())
      .executeTakeFirst();
    return row && tokenOf(row);
  };

  const readQuota = (addressKey: string, trx: StoreTransaction) =>
    on(trx)
      .selectFrom('dotmac_verification_quotas')
      .select(['issued', 'window_started_at'])
      .where('tenant_id', '=', tenantId)
      .where('address_key', '=', addressKey)
      .executeTakeFirstOrThrow();

  return {
    get,
    async put(token, trx) {
      const insert = on(trx).insertInto(table).values(tokenRow(tenantId, token));
      await upsert(database, insert, ['tenant_id', 'customer_id', 'channel'], replaced).execute();
    },
    async countAttempt(customerId, channel, trx) {
      const { returning } = database.traits;
      const update = on(trx)
        .updateTable(table)
        // Without RETURNING, last_insert_id(value) makes the connection remember the value and answer it.
        .set({ attempts: returning ? sql`attempts + 1` : sql`last_insert_id(attempts + 1)` })
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .where('channel', '=', channel);
      if (returning) {
        const row = await update.returningAll().executeTakeFirst();
        return row && tokenOf(row);
      }
      const { insertId } = await on(trx).executeQuery(update.compile());
      const token = insertId === undefined ? undefined : await get(customerId, channel, trx);
      return token && { ...token, attempts: Number(insertId) };
    },
    async countIssue(addressKey, at, windowMs, trx) {
      const { returning, upsert: way } = database.traits;
      const row = { tenant_id: tenantId, address_key: addressKey, issued: 1, window_started_at: at };
      const isOver = sql`${quotas}.window_started_at + ${windowMs} <= ${at}`;
      // In this order: MySQL assigns one after another, and sees what it has assigned.
      const changes = {
        issued: sql<number>`case when ${isOver} then 1 else ${quotas}.issued + 1 end`,
        window_started_at: sql<number>`case when ${isOver} then ${at} else ${quotas}.window_started_at end`,
      };
      const insert = on(trx).insertInto('dotmac_verification_quotas').values(row);
      const counting =
        way === 'on duplicate key'
          ? insert.onDuplicateKeyUpdate(changes)
          : insert.onConflict((target) => target.columns(['tenant_id', 'address_key']).doUpdateSet(changes));
      const found = returning
        ? await counting.returning(['issued', 'window_started_at']).executeTakeFirstOrThrow()
        : await counting.execute().then(() => readQuota(addressKey, trx));
      return { issued: Number(found.issued), windowStartedAt: Number(found.window_started_at) };
    },
    async consume({ customerId, channel, id }, at, trx) {
      const { numUpdatedRows } = await on(trx)
        .updateTable(table)
        .set({ consumed_at: at })
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .where('channel', '=', channel)
        .where('id', '=', id)
        .where('consumed_at', 'is', null)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
  };
}
