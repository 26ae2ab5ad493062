import type { Kysely } from 'kysely';
import { onConflictDoNothing, type Database, type Migration } from '@dotmac/core/kysely';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_removed_webhooks';
const log = 'dotmac_webhook_deliveries';

const removed: Migration = async (schema, { types }) => {
  await schema.schema
    .createTable(table)
    .ifNotExists()
    .addColumn('tenant_id', types.tenant, (c) => c.notNull())
    .addColumn('id', types.id, (c) => c.notNull())
    .addPrimaryKeyConstraint('dotmac_removed_webhooks_pk', ['tenant_id', 'id'])
    .execute();
};

/** What was noted for webhooks while they were removed was left behind. */
const leftBehind: Migration = async (schema, context) => {
  const kysely = schema as Kysely<LifecycleTables>;
  const missing = kysely
    .selectFrom(`${log} as delivery`)
    .leftJoin('dotmac_lifecycle_webhooks as webhook', (join) =>
      join.onRef('webhook.tenant_id', '=', 'delivery.tenant_id').onRef('webhook.id', '=', 'delivery.webhook_id'),
    )
    .select(['delivery.tenant_id', 'delivery.webhook_id'])
    .distinct()
    .where('webhook.id', 'is', null);
  const insert = kysely.insertInto(table).columns(['tenant_id', 'id']).expression(missing);
  await onConflictDoNothing(context, insert).execute();
};

/** Webhooks that are gone, and whose log is not yet. */
export const removedWebhookMigrations: Record<string, Migration> = {
  '0051-removed-webhooks': removed,
  '0052-left-behind-by-removed-webhooks': leftBehind,
};

/** Removes the logs of webhooks that are gone, some of them at a time; how many rows. Index: (tenant_id, webhook_id, id). */
export async function pruneRemovedWebhooks(database: Database, limit: number): Promise<number> {
  const kysely = database.withTables<LifecycleTables>();
  let left = limit;
  for (const { tenant_id, id } of await kysely.selectFrom(table).selectAll().limit(limit).execute()) {
    const found = await kysely
      .selectFrom(log)
      .select('id')
      .where('tenant_id', '=', tenant_id)
      .where('webhook_id', '=', id)
      .orderBy('id')
      .limit(left)
      .execute();
    const ids = found.map((delivery) => delivery.id);
    if (ids.length > 0)
      await kysely.deleteFrom(log).where('tenant_id', '=', tenant_id).where('id', 'in', ids).execute();
    left -= ids.length;
    if (left === 0) break;
    await kysely.deleteFrom(table).where('tenant_id', '=', tenant_id).where('id', '=', id).execute();
    left -= 1;
    if (left === 0) break;
  }
  return limit - left;
}
