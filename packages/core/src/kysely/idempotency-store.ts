import { createHash } from 'node:crypto';
import type { Insertable } from 'kysely';
import type {
  IdempotencyBegin,
  IdempotencyState,
  IdempotencyStore,
  KeptAnswer,
  StartedRequest,
} from '../http/idempotency-store.js';
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

/** Always another value than before: two takers of one instant must not both match. */
function nextLease({ now, leaseMs }: { now: number; leaseMs: number }, before: number): number {
  return Math.max(now + leaseMs, before + 1);
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
  const takeOver = async (begin: IdempotencyBegin, leaseUntil: number, keepUntil: number): Promise<string | null> => {
    const until = nextLease(begin, leaseUntil);
    const [tenantId, keyHash] = rowOf(begin);
    const result = await kysely
      .updateTable(table)
      .set({
        fingerprint: begin.fingerprint,
        lease_until: until,
        keep_until: begin.now + begin.retentionMs,
        answer: null,
      })
      .where('tenant_id', '=', tenantId)
      .where('key_hash', '=', keyHash)
      .where('lease_until', '=', leaseUntil)
      .where('keep_until', '=', keepUntil)
      .executeTakeFirst();
    return result.numUpdatedRows === 1n ? String(until) : null;
  };

  /** The row, while it is this one's turn: the end of its lease, never the same for two, is the token. */
  const turnOf = ({ tenantId, key, token }: StartedRequest) => [tenantId, hashOf(key), Number(token)] as const;

  return {
    async begin(begin): Promise<IdempotencyState> {
      const [tenantId, keyHash] = rowOf(begin);
      for (let attempt = 0; attempt < 3; attempt++) {
        if (await insert(begin)) return { state: 'started', token: String(begin.now + begin.leaseMs) };
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
        const token = await takeOver(begin, leaseUntil, keepUntil);
        if (token !== null) return { state: 'started', token };
      }
      return { state: 'in_flight' };
    },
    async renew({ now, leaseMs, ...started }) {
      const [tenantId, keyHash, leaseUntil] = turnOf(started);
      const until = nextLease({ now, leaseMs }, leaseUntil);
      const { numUpdatedRows } = await kysely
        .updateTable(table)
        .set({ lease_until: until })
        .where('tenant_id', '=', tenantId)
        .where('key_hash', '=', keyHash)
        .where('lease_until', '=', leaseUntil)
        .where('answer', 'is', null)
        .executeTakeFirst();
      return numUpdatedRows === 1n ? String(until) : null;
    },
    async complete({ answer, ...started }) {
      const [tenantId, keyHash, leaseUntil] = turnOf(started);
      await kysely
        .updateTable(table)
        .set({ answer: toJson(answer) })
        .where('tenant_id', '=', tenantId)
        .where('key_hash', '=', keyHash)
        .where('lease_until', '=', leaseUntil)
        .where('answer', 'is', null)
        .execute();
    },
    async release(started) {
      const [tenantId, keyHash, leaseUntil] = turnOf(started);
      await kysely
        .deleteFrom(table)
        .where('tenant_id', '=', tenantId)
        .where('key_hash', '=', keyHash)
        .where('lease_until', '=', leaseUntil)
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
