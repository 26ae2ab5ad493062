import { createHash } from 'node:crypto';
import type { Insertable } from 'kysely';
import type { IdempotencyBegin, IdempotencyState, IdempotencyStore, KeptAnswer } from '../http/idempotency-store.js';
import type { CoreTables } from './core-tables.js';
import type { Database } from './database.js';
import { insertedCount, onConflictDoNothing } from './upsert.js';
import { fromJson, toJson } from './values.js';

const table = 'dotmac_idempotency';
const pruneBatch = 500;

/** A key is hashed: of any length and in any collation, two keys are the same only when they are. */
function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** Remembers answers in the database, for all processes on it. Needs `coreMigrations`. */
export function kyselyIdempotencyStore(database: Database): IdempotencyStore {
  const kysely = database.withTables<CoreTables>();
  const rowOf = ({ tenantId, key }: { tenantId: string; key: string }) => [tenantId, hashOf(key)] as const;

  /** Who inserts the row has started; the unique key lets one of any number of racers in. */
  const insert = async (begin: IdempotencyBegin): Promise<boolean> => {
    const [tenantId, keyHash] = rowOf(begin);
    const row: Insertable<CoreTables[typeof table]> = {
      tenant_id: tenantId,
      key_hash: keyHash,
      fingerprint: begin.fingerprint,
      lease_until: begin.now + begin.leaseMs,
      keep_until: begin.now + begin.retentionMs,
      answer: null,
    };
    return insertedCount(await onConflictDoNothing(database, kysely.insertInto(table).values(row)).execute()) === 1;
  };

  /**
   * Takes over a row whose retention or unanswered lease is over; compared and set, so that one racer alone succeeds.
   */
  const takeOver = async (begin: IdempotencyBegin, leaseUntil: number, keepUntil: number): Promise<boolean> => {
    const [tenantId, keyHash] = rowOf(begin);
    const result = await kysely
      .updateTable(table)
      .set({
        fingerprint: begin.fingerprint,
        // Always another value than before, or two takers of the same instant would both match.
        lease_until: Math.max(begin.now + begin.leaseMs, leaseUntil + 1),
        keep_until: begin.now + begin.retentionMs,
        answer: null,
      })
      .where('tenant_id', '=', tenantId)
      .where('key_hash', '=', keyHash)
      .where('lease_until', '=', leaseUntil)
      .where('keep_until', '=', keepUntil)
      .executeTakeFirst();
    return result.numUpdatedRows === 1n;
  };

  return {
    async begin(begin): Promise<IdempotencyState> {
      const [tenantId, keyHash] = rowOf(begin);
      for (let attempt = 0; attempt < 3; attempt++) {
        if (await insert(begin)) return { state: 'started' };
        const row = await kysely
          .selectFrom(table)
          .selectAll()
          .where('tenant_id', '=', tenantId)
          .where('key_hash', '=', keyHash)
          .executeTakeFirst();
        if (!row) continue; // Released or pruned in between: try once more.
        const leaseUntil = Number(row.lease_until);
        const keepUntil = Number(row.keep_until);
        if (keepUntil > begin.now) {
          if (row.fingerprint !== begin.fingerprint) return { state: 'mismatch' };
          if (row.answer !== null) return { state: 'done', answer: fromJson<KeptAnswer>(row.answer) };
          if (leaseUntil > begin.now) return { state: 'in_flight' };
        }
        if (await takeOver(begin, leaseUntil, keepUntil)) return { state: 'started' };
      }
      return { state: 'in_flight' };
    },
    async complete({ tenantId, key, answer }) {
      await kysely
        .updateTable(table)
        .set({ answer: toJson(answer) })
        .where('tenant_id', '=', tenantId)
        .where('key_hash', '=', hashOf(key))
        .where('answer', 'is', null)
        .execute();
    },
    async release({ tenantId, key }) {
      await kysely
        .deleteFrom(table)
        .where('tenant_id', '=', tenantId)
        .where('key_hash', '=', hashOf(key))
        .where('answer', 'is', null)
        .execute();
    },
    async prune(now) {
      let removed = 0;
      for (;;) {
        const old = await kysely
          .selectFrom(table)
          .select(['tenant_id', 'key_hash'])
          .where('keep_until', '<=', now)
          .orderBy('keep_until')
          .limit(pruneBatch)
          .execute();
        for (const row of old) {
          const { numDeletedRows } = await kysely
            .deleteFrom(table)
            .where('tenant_id', '=', row.tenant_id)
            .where('key_hash', '=', row.key_hash)
            .where('keep_until', '<=', now)
            .executeTakeFirst();
          removed += Number(numDeletedRows);
        }
        if (old.length < pruneBatch) return removed;
      }
    },
  };
}
