import { sql } from 'kysely';
import { bulkUpsert, executorFor, inTransaction, type Database } from '@dotmac/core/kysely';
import type { StoreTransaction } from '@dotmac/core';
import type { Channel } from '../../verification/channel.js';
import type { StoredToken, TokenStore } from '../store.js';
import type { TokenReads } from './token-reads.js';
import { tokenOf, tokenRow } from './token-row.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_verification_tokens';
const quotas = sql.table('dotmac_verification_quotas');
const key = ['tenant_id', 'customer_id', 'channel'] as const;
const columns = [
  ...key,
  'id',
  'key_id',
  'hash',
  'attempts',
  'attempt_mark',
  'issued_at',
  'expires_at',
  'consumed_at',
  'issued',
  'window_started_at',
] as const;

/** What is made once for all tenants. */
interface Shared {
  read: TokenReads;
  put: ReturnType<typeof putTokens>;
}

/** Makes what writes tokens in the place of those before, once: its statements are kept. */
export const putTokens = (database: Database) =>
  bulkUpsert<LifecycleTables, typeof table>(database, table, { columns, conflict: key });

/** Verification tokens in the database. */
export function kyselyTokens(database: Database, { read, put }: Shared, tenantId: string): TokenStore {
  const on = (trx?: StoreTransaction) => executorFor<LifecycleTables>(database, trx);
  // In the snapshot of a host's own transaction, only a locking read sees what was issued since.
  const locks = database.traits.skipLocked;
  const get: TokenStore['get'] = async (customerId, channel, trx) => {
    if (!trx) return read({ tenantId, customerId, channel });
    const row = await on(trx)
      .selectFrom(table)
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('customer_id', '=', customerId)
      .where('channel', '=', channel)
      .$if(locks, (query) => query.forUpdate())
      .executeTakeFirst();
    return row && tokenOf(row);
  };

  const writeAttempt = (customerId: string, channel: Channel, mark: string, trx?: StoreTransaction) =>
    on(trx)
      .updateTable(table)
      .set((row) => ({ attempts: row('attempts', '+', 1), attempt_mark: mark }))
      .where('tenant_id', '=', tenantId)
      .where('customer_id', '=', customerId)
      .where('channel', '=', channel)
      .where((build) => build.or([build('attempt_mark', 'is', null), build('attempt_mark', '!=', mark)]));

  const countAttempt: TokenStore['countAttempt'] = async (customerId, channel, mark, trx) => {
    const { returning } = database.traits;
    const [row] = returning ? await writeAttempt(customerId, channel, mark, trx).returningAll().execute() : [];
    if (row) return tokenOf(row);
    // Without RETURNING, what was written is read under its lock.
    const token = returning
      ? await get(customerId, channel, trx)
      : await inTransaction<LifecycleTables, StoredToken | undefined>(database, trx, async (own) => {
          await writeAttempt(customerId, channel, mark, own).execute();
          return get(customerId, channel, own);
        });
    // Another was counted, or another token issued, between looking whether this one was and reading it.
    return token && token.attemptMark !== mark ? countAttempt(customerId, channel, mark, trx) : token;
  };

  const readQuotas = (addressKeys: readonly string[], trx: StoreTransaction) =>
    on(trx)
      .selectFrom('dotmac_verification_quotas')
      .select(['address_key', 'issued', 'window_started_at'])
      .where('tenant_id', '=', tenantId)
      .where('address_key', 'in', addressKeys)
      .execute();

  return {
    get,
    async put(tokens, trx) {
      const rows = tokens.map((token) => tokenRow(tenantId, token));
      await put(on(trx), rows);
    },
    countAttempt,
    async countIssues(addressKeys, at, windowMs, trx) {
      const { returning, upsert: way } = database.traits;
      const counts = new Map<string, number>();
      for (const addressKey of addressKeys) counts.set(addressKey, (counts.get(addressKey) ?? 0) + 1);
      if (counts.size === 0) return [];
      // Whoever counts several locks them in this order.
      const sorted = [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
      const rows = sorted.map(([address_key, issued]) => {
        return { tenant_id: tenantId, address_key, issued, window_started_at: at };
      });
      const given = way === 'on duplicate key' ? sql`values(issued)` : sql`excluded.issued`;
      const isOver = sql`${quotas}.window_started_at + ${windowMs} <= ${at}`;
      // In this order: MySQL assigns one after another, and sees what it has assigned.
      const changes = {
        issued: sql<number>`case when ${isOver} then ${given} else ${quotas}.issued + ${given} end`,
        window_started_at: sql<number>`case when ${isOver} then ${at} else ${quotas}.window_started_at end`,
      };
      const insert = on(trx).insertInto('dotmac_verification_quotas').values(rows);
      const counting =
        way === 'on duplicate key'
          ? insert.onDuplicateKeyUpdate(changes)
          : insert.onConflict((target) => target.columns(['tenant_id', 'address_key']).doUpdateSet(changes));
      const found = returning
        ? await counting.returning(['address_key', 'issued', 'window_started_at']).execute()
        : await counting.execute().then(() => readQuotas([...counts.keys()], trx));
      const before = new Map(
        found.map(({ address_key, issued, window_started_at }) => [
          address_key,
          { issued: Number(issued) - (counts.get(address_key) ?? 0), windowStartedAt: Number(window_started_at) },
        ]),
      );
      return addressKeys.map((addressKey) => {
        const counted = before.get(addressKey) ?? { issued: 0, windowStartedAt: at };
        counted.issued += 1;
        return { ...counted };
      });
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
