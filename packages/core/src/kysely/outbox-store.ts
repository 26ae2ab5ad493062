import { hash, randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Clock } from '../clock.js';
import type { ClaimedEntry, Outbox, OutboxEntry, ParkedEntry } from '../events/outbox.js';
import { newId } from '../ids.js';
import { bringForward } from './bring-forward.js';
import type { CoreTables } from './core-tables.js';
import type { Database } from './database.js';
import { insertRows } from './insert-rows.js';
import { databaseTime, readTime } from './lease-store.js';
import { splitClaim, toClaimed, toParked } from './outbox-rows.js';
import { rewriteWaiting } from './rewrite-waiting.js';
import { setAside } from './set-aside.js';
import { inTransaction } from './transaction.js';
import type { StoreTransaction } from '../store-transaction.js';
import type { InsertRows } from './writes.js';
import { toJson } from './values.js';

const table = 'dotmac_outbox';

/** Options of {@link kyselyOutbox}. */
export interface KyselyOutboxOptions {
  /** Whose events these are, e.g. `health`: modules share the table and not the work. Up to 64 ASCII characters. */
  queue: string;
  /** Judge what is due by this clock instead of the database's. */
  clock?: Pick<Clock, 'now'>;
}

/** An {@link Outbox} whose entries can also be written together with what made them. */
export interface KyselyOutbox extends Outbox {
  /** The write that adds entries, for `writeTogether`; none when there are none. */
  write(entries: readonly OutboxEntry[]): InsertRows[];
  /** Tells listeners of entries that were written so: at once, or when `trx` has committed. */
  written(trx?: StoreTransaction): void;
}

/**
 * An outbox in the database, for all processes on it. Needs `coreMigrations`. Joins any Kysely transaction on the
 * same database.
 */
export function kyselyOutbox(database: Database, { queue, clock }: KyselyOutboxOptions): KyselyOutbox {
  const kysely = database.withTables<CoreTables>();
  const { skipLocked, ordersByNull } = database.traits;
  const listeners = new Set<() => void>();
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  const now = () => databaseTime(database, clock);
  const after = (delayMs: number) => sql<number>`${now()} + ${sql.lit(Math.trunc(delayMs))}`;
  const laneOf = (names: readonly unknown[]): string => hash('sha256', JSON.stringify([queue, ...names]));
  const rowFor = ({ subscriber, event, lane = subscriber, deliveryId = newId() }: OutboxEntry) => ({
    delivery_id: deliveryId,
    queue,
    subscriber,
    lane: laneOf([lane, event.tenantId, event.subject]),
    tenant_id: event.tenantId,
    event: toJson(event),
  });
  const write = (entries: readonly OutboxEntry[]): InsertRows[] => {
    if (entries.length === 0) return [];
    const rows = entries.map(rowFor);
    if (clock === undefined) return [{ insert: table, rows, computed: { available_at: now() } }];
    return [{ insert: table, rows: rows.map((row) => ({ ...row, available_at: clock.now() })) }];
  };
  const tell = (trx?: StoreTransaction): void => {
    if (trx) database.afterCommit(trx, notify);
    else notify();
  };

  return {
    write,
    written: tell,

    async append(entries, trx) {
      const writes = write(entries);
      for (const each of writes) await insertRows(database, each, trx);
      if (writes.length > 0) tell(trx);
    },

    // Index: (queue, parked_at, available_at, seq) finds what is due, (lane, parked_at, seq) what is before it in its lane.
    async claim({ subscribers, limit, leaseMs, besides = [] }) {
      if (subscribers.length === 0) return [];
      // No RETURNING here: select and lock, then update, is the same on every database.
      return inTransaction<CoreTables, ClaimedEntry[]>(database, undefined, async (trx) => {
        const due = trx
          .selectFrom(`${table} as o`)
          .select(['o.seq', 'o.delivery_id', 'o.subscriber', 'o.event', 'o.attempts'])
          .where('o.queue', '=', queue)
          .where('o.parked_at', 'is', null)
          .where('o.available_at', '<=', now())
          .where('o.subscriber', 'in', subscribers)
          .$if(besides.length > 0, (query) => query.where('o.tenant_id', 'not in', [...besides]))
          // Not `exists`: with nothing known of the table, PostgreSQL would read all of it for each claim.
          .where(
            ({ selectFrom }) =>
              selectFrom(`${table} as earlier`)
                .select('earlier.seq')
                .whereRef('earlier.lane', '=', 'o.lane')
                .where('earlier.parked_at', 'is', null)
                // Lanes are shared: what nobody here asks for, e.g. of a hook that was removed, must not block others for ever.
                .where('earlier.subscriber', 'in', subscribers)
                .whereRef('earlier.seq', '<', 'o.seq')
                .limit(1),
            'is',
            null,
          )
          // As the index has it, from its second column on: what is due longest comes first, however much is waiting.
          .$if(ordersByNull, (query) => query.orderBy('o.parked_at'))
          .orderBy('o.available_at')
          .orderBy('o.seq')
          .limit(limit);
        const rows = await (skipLocked ? due.forUpdate().skipLocked() : due).execute();
        if (rows.length === 0) return [];
        const [claim, seqs] = [randomUUID(), rows.map(({ seq }) => seq)];
        await trx
          .updateTable(table)
          .set((row) => ({ claim, attempts: row('attempts', '+', 1), available_at: after(leaseMs) }))
          .where('seq', 'in', seqs)
          .execute();
        return rows.map((row) => toClaimed(row, claim));
      });
    },

    async acknowledge(claims) {
      const seqsByToken = new Map<string, number[]>();
      for (const { seq, token } of claims.map(splitClaim)) {
        const seqs = seqsByToken.get(token);
        if (seqs) seqs.push(seq);
        else seqsByToken.set(token, [seq]);
      }
      let removed = 0;
      for (const [token, seqs] of seqsByToken) {
        const { numDeletedRows } = await kysely
          .deleteFrom(table)
          .where('seq', 'in', seqs)
          .where('claim', '=', token)
          .executeTakeFirst();
        removed += Number(numDeletedRows);
      }
      return removed;
    },

    async retryLater(claim, delayMs, stepsAside = false) {
      const { seq, token } = splitClaim(claim);
      const set = { claim: null, available_at: after(delayMs), ...(stepsAside && { lane: laneOf(['aside', seq]) }) };
      await kysely.updateTable(table).set(set).where('seq', '=', seq).where('claim', '=', token).execute();
    },

    time: () => readTime(database, clock),

    bringForward: (waits) => bringForward(database, { queue, now: now(), ...waits }),

    setAside: (ask) => setAside(database, { queue, now, ...ask }),

    async park(claim, reason) {
      const { seq, token } = splitClaim(claim);
      const set = { claim: null, parked_at: now(), park_reason: reason.slice(0, 1_000) };
      await kysely.updateTable(table).set(set).where('seq', '=', seq).where('claim', '=', token).execute();
    },

    // Index: (tenant_id, parked_at, seq).
    async parked(tenantId, { limit, after, subscriber }) {
      const [parkedAt = 0, seq = 0] = (after ?? '').split('.').map((part) => Number(part) || 0);
      const rows = await kysely
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('queue', '=', queue)
        .$if(subscriber !== undefined, (query) => query.where('subscriber', '=', subscriber ?? ''))
        // Said twice, for not every database begins a range within an index at a pair.
        .where('parked_at', '>=', parkedAt)
        .where((eb) => eb.or([eb('parked_at', '>', parkedAt), eb('seq', '>', seq)]))
        .orderBy('parked_at')
        .orderBy('seq')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map(toParked);
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return { items, nextCursor: last ? `${last.parked_at}.${last.seq}` : null };
    },

    // Index: (tenant_id, parked_at, seq), as far as the tenant's parked ones go.
    async unpark(tenantId, { deliveryId, subscriber }) {
      const { numUpdatedRows } = await kysely
        .updateTable(table)
        .set({ parked_at: null, park_reason: null, attempts: 0, available_at: now() })
        .where('tenant_id', '=', tenantId)
        .where('queue', '=', queue)
        .where('delivery_id', '=', deliveryId)
        .$if(subscriber !== undefined, (query) => query.where('subscriber', '=', subscriber ?? ''))
        .where('parked_at', 'is not', null)
        .executeTakeFirst();
      if (numUpdatedRows === 1n) notify();
      return numUpdatedRows === 1n;
    },

    // Index: (tenant_id, parked_at, seq), as far as the tenant's parked ones go.
    async discard(tenantId, { deliveryId, subscriber }, join) {
      return inTransaction<CoreTables, ParkedEntry | undefined>(database, join, async (trx) => {
        const row = await trx
          .selectFrom(table)
          .selectAll()
          .where('tenant_id', '=', tenantId)
          .where('queue', '=', queue)
          .where('delivery_id', '=', deliveryId)
          .$if(subscriber !== undefined, (query) => query.where('subscriber', '=', subscriber ?? ''))
          .where('parked_at', 'is not', null)
          .$if(skipLocked, (query) => query.forUpdate())
          .executeTakeFirst();
        if (!row) return undefined;
        await trx.deleteFrom(table).where('seq', '=', row.seq).execute();
        return toParked(row);
      });
    },

    // Index: (queue, parked_at, available_at, seq).
    async pruneParked({ before, limit }, join) {
      return inTransaction<CoreTables, ParkedEntry[]>(database, join, async (trx) => {
        const old = trx
          .selectFrom(table)
          .selectAll()
          .where('queue', '=', queue)
          .where('parked_at', '<', before)
          .orderBy('parked_at')
          .limit(limit);
        const rows = await (skipLocked ? old.forUpdate().skipLocked() : old).execute();
        const seqs = rows.map(({ seq }) => seq);
        if (seqs.length > 0) await trx.deleteFrom(table).where('seq', 'in', seqs).execute();
        return rows.map(toParked);
      });
    },

    rewrite: (tenantId, subjects, change, trx) => rewriteWaiting(database, { queue, tenantId, subjects, change }, trx),

    onAppended(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
