import { executorFor, fromJson, inTransaction, toJson, type Database } from '@dotmac/core/kysely';
import type { AlertRecord } from '../../alerts/alert.js';
import { mostDueLookedAt, type DueChannel, type TenantAlerts } from '../alerts.js';
import type { AlertRow, HealthTables } from './tables.js';

/** One tenant's alerts. */
export function kyselyAlerts(database: Database, tenantId: string): TenantAlerts {
  const kysely = database.withTables<HealthTables>();
  return {
    // Primary key.
    changeAlert: ({ channelId, incidentId }, change, join) =>
      inTransaction<HealthTables, void>(database, join, async (trx) => {
        const row = await trx
          .selectFrom('dotmac_alerts')
          .selectAll()
          .where('tenant_id', '=', tenantId)
          .where('channel_id', '=', channelId)
          .where('incident_id', '=', incidentId)
          .$if(database.traits.skipLocked, (query) => query.forUpdate())
          .executeTakeFirst();
        const changed = change(row && alertOf(row));
        if (changed === undefined || (changed === null && !row)) return;
        if (changed && !row) await trx.insertInto('dotmac_alerts').values(alertRow(changed)).execute();
        else if (changed)
          await trx
            .updateTable('dotmac_alerts')
            .set(alertRow(changed))
            .where('tenant_id', '=', tenantId)
            .where('channel_id', '=', channelId)
            .where('incident_id', '=', incidentId)
            .execute();
        else
          await trx
            .deleteFrom('dotmac_alerts')
            .where('tenant_id', '=', tenantId)
            .where('channel_id', '=', channelId)
            .where('incident_id', '=', incidentId)
            .execute();
      }),
    // Index: (due_at, tenant_id, channel_id), or the primary key.
    async waitingAlerts(channelId, until, limit) {
      const rows = await kysely
        .selectFrom('dotmac_alerts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('channel_id', '=', channelId)
        .where('due_at', '<=', until)
        .orderBy('due_at')
        .limit(limit)
        .execute();
      return rows.map(alertOf);
    },
    // Index: (tenant_id, message_id).
    async alertsIn(messageId) {
      const rows = await kysely
        .selectFrom('dotmac_alerts')
        .selectAll()
        .where('message_id', '=', messageId)
        .where('tenant_id', '=', tenantId)
        .orderBy('incident_id')
        .execute();
      return rows.map(alertOf);
    },
    removeAlertsOf: (channelId, join) =>
      inTransaction<HealthTables, void>(database, join, async (trx) => {
        for (const table of ['dotmac_alerts', 'dotmac_alert_messages'] as const)
          await trx.deleteFrom(table).where('tenant_id', '=', tenantId).where('channel_id', '=', channelId).execute();
      }),
    async message(messageId) {
      const row = await kysely
        .selectFrom('dotmac_alert_messages')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', messageId)
        .executeTakeFirst();
      if (!row) return undefined;
      const { id, channel_id: channelId, payload, created_at: createdAt } = row;
      return { id, tenantId, channelId, payload, createdAt: Number(createdAt) };
    },
    async insertMessage({ id, channelId, payload, createdAt }, trx) {
      await executorFor<HealthTables>(database, trx)
        .insertInto('dotmac_alert_messages')
        .values({ tenant_id: tenantId, id, channel_id: channelId, payload, created_at: createdAt })
        .execute();
    },
    async setPayload(messageId, payload) {
      await kysely
        .updateTable('dotmac_alert_messages')
        .set({ payload })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', messageId)
        .execute();
    },
    async removeMessage(messageId, trx) {
      await executorFor<HealthTables>(database, trx)
        .deleteFrom('dotmac_alert_messages')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', messageId)
        .execute();
    },
  };
}

/** Every tenant's alerts that are due. Index: (due_at, tenant_id, channel_id). */
export async function dueAlerts(database: Database, now: number, limit: number): Promise<AlertRecord[]> {
  const rows = await database
    .withTables<HealthTables>()
    .selectFrom('dotmac_alerts')
    .selectAll()
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .limit(limit)
    .execute();
  return rows.map(alertOf);
}

/**
 * What channels they are due for. All of it is in the index (due_at, tenant_id, channel_id). Without the limit within, a
 * database may go through the primary key instead, which has the channels together, and all that is not due.
 */
export async function dueChannels(database: Database, now: number, limit: number): Promise<DueChannel[]> {
  const rows = await database
    .withTables<HealthTables>()
    .selectFrom((query) =>
      query
        .selectFrom('dotmac_alerts')
        .select(['due_at', 'tenant_id', 'channel_id'])
        .where('due_at', '<=', now)
        .orderBy('due_at')
        .limit(mostDueLookedAt)
        .as('due'),
    )
    .select(({ fn }) => ['tenant_id', 'channel_id', fn.min('due_at').as('since')])
    .groupBy(['tenant_id', 'channel_id'])
    .orderBy('since')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ tenantId: row.tenant_id, channelId: row.channel_id }));
}

function alertRow(alert: AlertRecord): AlertRow {
  const { tenantId, channelId, dueAt, messageId, ...rest } = alert;
  return {
    tenant_id: tenantId,
    channel_id: channelId,
    incident_id: alert.trouble.incidentId,
    due_at: dueAt,
    message_id: messageId,
    body: toJson(rest),
  };
}

function alertOf(row: AlertRow): AlertRecord {
  return {
    // Those of before this was kept have none.
    onItsWay: null,
    ...fromJson<Pick<AlertRecord, 'trouble' | 'told' | 'reminderMs' | 'held'>>(row.body),
    tenantId: row.tenant_id,
    channelId: row.channel_id,
    dueAt: row.due_at === null ? null : Number(row.due_at),
    messageId: row.message_id,
  };
}
