import type { StoreTransaction } from '@dotmac/core';
import { executorFor, insertedCount, onConflictDoNothing, toFlag, type Database } from '@dotmac/core/kysely';
import { pageOf } from '../page-of.js';
import { rangeCursor, readRangeCursor } from '../range-cursor.js';
import type { WebhookStore } from '../store.js';
import type { LifecycleTables } from './tables.js';
import { deliveryOf, deliveryRow, webhookOf, webhookRow } from './webhook-rows.js';

const table = 'dotmac_lifecycle_webhooks';
const log = 'dotmac_webhook_deliveries';

/** Webhooks in the database. */
export function kyselyWebhooks(database: Database, tenantId: string): WebhookStore {
  const on = (trx?: StoreTransaction) => executorFor<LifecycleTables>(database, trx);
  return {
    async insert(webhook, trx) {
      await on(trx).insertInto(table).values(webhookRow(tenantId, webhook)).execute();
    },
    // Index: the primary key.
    async count(trx) {
      const { count } = await on(trx)
        .selectFrom(table)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('tenant_id', '=', tenantId)
        .executeTakeFirstOrThrow();
      return Number(count);
    },
    async lock(webhookId, trx) {
      const found = await on(trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', webhookId)
        .$if(database.traits.skipLocked, (query) => query.forUpdate())
        .executeTakeFirst();
      return found && webhookOf(found);
    },
    async update(webhook, trx) {
      const { tenant_id: _, id, created_at: __, ...changed } = webhookRow(tenantId, webhook);
      await on(trx).updateTable(table).set(changed).where('tenant_id', '=', tenantId).where('id', '=', id).execute();
    },
    async noteFailing(webhookId, since, trx) {
      const update = on(trx).updateTable(table).where('tenant_id', '=', tenantId).where('id', '=', webhookId);
      if (since === null) await update.set({ failing_since: null }).execute();
      else await update.set({ failing_since: since }).where('failing_since', 'is', null).execute();
    },
    async disable(webhookId, failingSince, at, trx) {
      const { numUpdatedRows } = await on(trx)
        .updateTable(table)
        .set({ enabled: toFlag(false), disabled_at: at, updated_at: at })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', webhookId)
        .where('enabled', '=', toFlag(true))
        .where('failing_since', '=', failingSince)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async get(webhookId) {
      const found = await on()
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', webhookId)
        .executeTakeFirst();
      return found && webhookOf(found);
    },
    async all() {
      const rows = await on().selectFrom(table).selectAll().where('tenant_id', '=', tenantId).orderBy('id').execute();
      return rows.map(webhookOf);
    },
    async remove(webhookId, trx) {
      await on(trx).deleteFrom(table).where('tenant_id', '=', tenantId).where('id', '=', webhookId).execute();
      const insert = on(trx).insertInto('dotmac_removed_webhooks').values({ tenant_id: tenantId, id: webhookId });
      await onConflictDoNothing(database, insert).execute();
    },
    async addDelivery(delivery, trx) {
      const insert = on(trx).insertInto(log).values(deliveryRow(tenantId, delivery));
      return insertedCount(await onConflictDoNothing(database, insert).execute()) === 1;
    },
    async delivery(deliveryId) {
      const found = await on()
        .selectFrom(log)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', deliveryId)
        .executeTakeFirst();
      return found && deliveryOf(found);
    },
    async settle(delivery, trx) {
      const { state, attempts, last_attempt_at, last_failure, delivered_at } = deliveryRow(tenantId, delivery);
      const { numUpdatedRows } = await on(trx)
        .updateTable(log)
        .set({ state, attempts, last_attempt_at, last_failure, delivered_at })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', delivery.id)
        .where('state', '=', 'pending')
        .where('attempts', '<=', attempts)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async reset(deliveryId, trx) {
      const { numUpdatedRows } = await on(trx)
        .updateTable(log)
        .set({ state: 'pending', attempts: 0 })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', deliveryId)
        .where('state', '<>', 'pending')
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    // Index: (tenant_id, webhook_id, event_id), for each of the few webhooks.
    async deliveriesFor(eventIds) {
      if (eventIds.length === 0) return [];
      const rows = await on()
        .selectFrom(log)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('webhook_id', 'in', ({ selectFrom }) => selectFrom(table).select('id').where('tenant_id', '=', tenantId))
        .where('event_id', 'in', [...eventIds])
        .orderBy('event_at')
        .orderBy('id')
        .execute();
      return rows.map(deliveryOf);
    },
    // Index: (tenant_id, webhook_id, id), or with the state.
    async deliveries({ webhookId, state, limit, cursor }) {
      const rows = await on()
        .selectFrom(log)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('webhook_id', '=', webhookId)
        .$if(state !== undefined, (query) => query.where('state', '=', state as string))
        .$if(cursor !== undefined, (query) => query.where('id', '<', cursor as string))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(deliveryOf), limit);
    },
    // Index: (tenant_id, webhook_id, event_at, id).
    async deliveriesOf({ webhookId, from, to, states, limit, cursor }) {
      const after = readRangeCursor(cursor);
      const rows = await on()
        .selectFrom(log)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('webhook_id', '=', webhookId)
        .where('event_at', '>=', Math.max(from, after?.at ?? from))
        .where('event_at', '<', to)
        .where('state', 'in', [...states])
        .$if(after !== undefined, (query) =>
          query.where(({ or, eb }) => or([eb('event_at', '>', after?.at ?? 0), eb('id', '>', after?.id ?? '')])),
        )
        .orderBy('event_at')
        .orderBy('id')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map(deliveryOf);
      return { items, nextCursor: rows.length > limit ? rangeCursor(items.at(-1)) : null };
    },
  };
}

/** Removes what was settled before an instant, some at a time; how many. Index: (event_at). */
export async function pruneDeliveries(database: Database, before: number, limit: number): Promise<number> {
  const kysely = database.withTables<LifecycleTables>();
  const old = await kysely
    .selectFrom(log)
    .select(['tenant_id', 'id'])
    .where('event_at', '<', before)
    .where('state', '<>', 'pending')
    .orderBy('event_at')
    .limit(limit)
    .execute();
  for (const { tenant_id, id } of old)
    await kysely.deleteFrom(log).where('tenant_id', '=', tenant_id).where('id', '=', id).execute();
  return old.length;
}
