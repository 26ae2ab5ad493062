import { bulkUpsert, inTransaction, numberOrNull, upsert, type Database } from '@dotmac/core/kysely';
import type { Transaction } from 'kysely';
import type { IncidentEntry, IncidentRecord, IncidentSeverity } from '../../incidents/incident.js';
import type { OutcomeCode } from '../../probes/outcomes.js';
import { mostEntries, type IncidentWrite, type TenantEndpoints } from '../store.js';
import { lockLiving } from './states.js';
import type { HealthTables, IncidentEntryRow, IncidentRow } from './tables.js';

type Incidents = Pick<TenantEndpoints, 'incidents' | 'incident' | 'unresolvedOf' | 'timeline' | 'noteIncident'>;

/** One tenant's incidents. Their ids are in the order of their making, so the newest is the greatest. */
export function kyselyIncidents(database: Database, tenantId: string): Incidents {
  const kysely = database.withTables<HealthTables>();
  const own = () => kysely.selectFrom('dotmac_incidents').selectAll().where('tenant_id', '=', tenantId);
  return {
    // Primary key backwards; with an endpoint, index (tenant_id, endpoint_id, id); unresolved, (tenant_id, resolved_at, id).
    async incidents({ limit, after, filter: { status, endpointId } }) {
      const rows = await own()
        .$if(after !== null, (query) => query.where('id', '<', after ?? ''))
        .$if(endpointId !== undefined, (query) => query.where('endpoint_id', '=', endpointId ?? ''))
        .$if(status === 'resolved', (query) => query.where('resolved_at', 'is not', null))
        .$if(status !== undefined && status !== 'resolved', (query) => query.where('resolved_at', 'is', null))
        .$if(status === 'open', (query) => query.where('acknowledged_at', 'is', null))
        .$if(status === 'acknowledged', (query) => query.where('acknowledged_at', 'is not', null))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      const items = rows.slice(0, limit).map(incidentOf);
      return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    async incident(incidentId) {
      const row = await own().where('id', '=', incidentId).executeTakeFirst();
      return row && incidentOf(row);
    },
    // Index: (tenant_id, endpoint_id, id).
    unresolvedOf: (endpointId, join) =>
      inTransaction<HealthTables, IncidentRecord[]>(database, join, async (trx) => {
        // As those do who settle: what they write is seen, or comes afterwards.
        await lockLiving(database, trx, [endpointId]);
        const rows = await trx
          .selectFrom('dotmac_incidents')
          .selectAll()
          .where('tenant_id', '=', tenantId)
          .where('endpoint_id', '=', endpointId)
          .where('resolved_at', 'is', null)
          .orderBy('id')
          .execute();
        return rows.map(incidentOf);
      }),
    // Primary key, backwards.
    async timeline(incidentId) {
      const entries = kysely
        .selectFrom('dotmac_incident_entries')
        .where('tenant_id', '=', tenantId)
        .where('incident_id', '=', incidentId);
      const newest = await entries.selectAll().orderBy('id', 'desc').limit(mostEntries).execute();
      const shown = newest.reverse().map(entryOf);
      if (shown.length < mostEntries) return { entries: shown, leftOut: 0 };
      const first = await entries.selectAll().orderBy('id').limit(1).execute();
      const { count } = await entries.select((eb) => eb.fn.countAll().as('count')).executeTakeFirstOrThrow();
      return { entries: [...first.map(entryOf), ...shown.slice(1)], leftOut: Number(count) - mostEntries };
    },
    noteIncident: (incidentId, entry, change, join) =>
      inTransaction<HealthTables, boolean>(database, join, async (trx) => {
        const row = await trx
          .selectFrom('dotmac_incidents')
          .select(['endpoint_id', 'resolved_at'])
          .where('tenant_id', '=', tenantId)
          .where('id', '=', incidentId)
          .$if(database.traits.skipLocked, (query) => query.forUpdate())
          .executeTakeFirst();
        const isChange = Object.keys(change).length > 0;
        if (!row || (isChange && row.resolved_at !== null)) return false;
        const { acknowledgedAt, acknowledgedBy, resolvedAt } = change;
        if (isChange)
          await trx
            .updateTable('dotmac_incidents')
            .set({
              ...(acknowledgedAt !== undefined && { acknowledged_at: acknowledgedAt }),
              ...(acknowledgedBy !== undefined && { acknowledged_by: acknowledgedBy }),
              ...(resolvedAt !== undefined && { resolved_at: resolvedAt }),
            })
            .where('tenant_id', '=', tenantId)
            .where('id', '=', incidentId)
            .execute();
        const of = { tenantId, incidentId, endpointId: row.endpoint_id };
        await trx.insertInto('dotmac_incident_entries').values(entryRow(of, entry)).execute();
        return true;
      }),
  };
}

/** Writes what changes of status did to incidents, and says which of it is of one that is over, and was not written. */
export function writeIncidents(database: Database) {
  const save = bulkUpsert<HealthTables, 'dotmac_incident_entries'>(database, 'dotmac_incident_entries', {
    columns: ['tenant_id', 'incident_id', 'id', 'endpoint_id', 'at', 'kind', 'actor', 'code', 'text'],
    conflict: ['tenant_id', 'incident_id', 'id'],
  });
  return {
    async saveIncidents(trx: Transaction<HealthTables>, writes: readonly IncidentWrite[]): Promise<Set<IncidentWrite>> {
      const late = new Set<IncidentWrite>();
      for (const write of writes) {
        const { tenantId, incidentId, opened, severity, resolvedAt } = write;
        // It may be there already: when the answer to a commit is lost, its events come again. Skipped it would be on MySQL
        // for whatever else a row is refused for, too, and nobody would know.
        if (opened) {
          const insert = trx.insertInto('dotmac_incidents').values(incidentRow(opened));
          await upsert(database, insert, ['tenant_id', 'id'], { id: 'replace' }).execute();
        } else {
          const { numUpdatedRows } = await trx
            .updateTable('dotmac_incidents')
            .set({ severity, resolved_at: resolvedAt })
            .where('tenant_id', '=', tenantId)
            .where('id', '=', incidentId)
            // Somebody may have ended it by hand.
            .where('resolved_at', 'is', null)
            .executeTakeFirst();
          if (numUpdatedRows === 0n) late.add(write);
        }
      }
      await save(
        trx,
        writes
          .filter((write) => !late.has(write))
          .map(({ tenantId, incidentId, endpointId, entry }) => entryRow({ tenantId, incidentId, endpointId }, entry)),
      );
      return late;
    },
  };
}

/** Every tenant's incidents that were resolved long ago. Index: (resolved_at, tenant_id, id); then the primary keys. */
export function pruneIncidents(database: Database, before: number, limit: number): Promise<number> {
  return inTransaction<HealthTables, number>(database, undefined, async (trx) => {
    const old = await trx
      .selectFrom('dotmac_incidents')
      .select(['tenant_id', 'id'])
      .where('resolved_at', '<', before)
      .orderBy('resolved_at')
      .limit(limit)
      .execute();
    const ofTenants = new Map<string, string[]>();
    for (const { tenant_id, id } of old) ofTenants.set(tenant_id, [...(ofTenants.get(tenant_id) ?? []), id]);
    for (const [tenantId, ids] of ofTenants) {
      await trx
        .deleteFrom('dotmac_incident_entries')
        .where('tenant_id', '=', tenantId)
        .where('incident_id', 'in', ids)
        .execute();
      await trx.deleteFrom('dotmac_incidents').where('tenant_id', '=', tenantId).where('id', 'in', ids).execute();
    }
    return old.length;
  });
}

function incidentRow(record: IncidentRecord): IncidentRow {
  return {
    tenant_id: record.tenantId,
    id: record.id,
    endpoint_id: record.endpointId,
    endpoint_name: record.endpointName,
    severity: record.severity,
    code: record.code,
    message: record.message,
    started_at: record.startedAt,
    opened_at: record.openedAt,
    acknowledged_at: record.acknowledgedAt,
    acknowledged_by: record.acknowledgedBy,
    resolved_at: record.resolvedAt,
  };
}

function incidentOf(row: IncidentRow): IncidentRecord {
  return {
    tenantId: row.tenant_id,
    id: row.id,
    endpointId: row.endpoint_id,
    endpointName: row.endpoint_name,
    severity: row.severity as IncidentSeverity,
    code: row.code ?? ('unspecified' satisfies OutcomeCode),
    message: row.message,
    startedAt: Number(row.started_at),
    openedAt: Number(row.opened_at),
    acknowledgedAt: numberOrNull(row.acknowledged_at),
    acknowledgedBy: row.acknowledged_by,
    resolvedAt: numberOrNull(row.resolved_at),
  };
}

function entryOf({ id, at, kind, actor, code, text }: IncidentEntryRow): IncidentEntry {
  return { id, at: Number(at), kind: kind as IncidentEntry['kind'], actor, code, text };
}

function entryRow(
  { tenantId, incidentId, endpointId }: { tenantId: string; incidentId: string; endpointId: string },
  entry: IncidentEntry,
): IncidentEntryRow {
  return { ...entry, tenant_id: tenantId, incident_id: incidentId, endpoint_id: endpointId };
}
