import { executorFor, numberOrNull, toJson, type Database } from '@dotmac/core/kysely';
import { pageOf } from '../page-of.js';
import type { RunStore } from '../store.js';
import { runOf, type LifecycleTables } from './tables.js';

const table = 'dotmac_service_runs';

/** Provisioning runs in the database. */
export function kyselyRuns(database: Database, tenantId: string): RunStore {
  const kysely = database.withTables<LifecycleTables>();
  const of = (runId: string, trx: Parameters<RunStore['reopen']>[1]) =>
    executorFor<LifecycleTables>(database, trx)
      .updateTable(table)
      .where('tenant_id', '=', tenantId)
      .where('id', '=', runId);
  return {
    async insert(run, trx) {
      const row = {
        tenant_id: tenantId,
        id: run.id,
        customer_id: run.customerId,
        service_id: run.serviceId,
        operation: run.operation,
        service_name: run.serviceName,
        template_version: run.templateVersion,
        template_hash: run.templateHash,
        config: JSON.stringify(run.config),
        previous: run.previous && toJson(run.previous),
        given: toJson(run.given),
        status: run.status,
        direction: run.direction,
        steps: JSON.stringify(run.steps),
        next_at: run.nextAt,
        cancel_requested_at: run.cancelRequestedAt,
        requested_by: run.requestedBy,
        created_at: run.createdAt,
        updated_at: run.updatedAt,
        provisioned_at: run.provisionedAt,
        lease_owner: null,
        lease_until: null,
        fence: 0,
      };
      await executorFor<LifecycleTables>(database, trx).insertInto(table).values(row).execute();
    },
    async get(runId, trx) {
      const row = await executorFor<LifecycleTables>(database, trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', runId)
        .executeTakeFirst();
      return row && runOf(row);
    },
    async lock(runId, trx) {
      const row = await executorFor<LifecycleTables>(database, trx)
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', runId)
        .$if(database.traits.skipLocked, (query) => query.forUpdate())
        .executeTakeFirst();
      return row && runOf(row);
    },
    // Index: (tenant_id, service_id, id); ids are in the order of their making.
    async listFor(serviceId, limit, before) {
      const rows = await kysely
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('service_id', '=', serviceId)
        .$if(before !== undefined, (query) => query.where('id', '<', before as string))
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(runOf);
    },
    // Index: (tenant_id, status, id), or the primary key.
    async list({ status, limit, cursor }) {
      const rows = await kysely
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .$if(status !== undefined, (query) => query.where('status', '=', status as string))
        .$if(cursor !== undefined, (query) => query.where('id', '<', cursor as string))
        .orderBy('id', 'desc')
        .limit(limit + 1)
        .execute();
      return pageOf(rows.map(runOf), limit);
    },
    async checkpoint(runId, fence, { status, direction, steps, nextAt, provisionedAt, updatedAt }, trx) {
      const { numUpdatedRows } = await executorFor<LifecycleTables>(database, trx)
        .updateTable(table)
        .set({
          status,
          direction,
          steps: JSON.stringify(steps),
          next_at: nextAt,
          provisioned_at: provisionedAt,
          updated_at: updatedAt,
        })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', runId)
        .where('fence', '=', fence)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
    async reopen({ id, status, direction, steps, nextAt, provisionedAt, updatedAt }, trx) {
      await of(id, trx)
        .set({
          status,
          direction,
          steps: JSON.stringify(steps),
          next_at: nextAt,
          provisioned_at: provisionedAt,
          updated_at: updatedAt,
        })
        .execute();
    },
    async requestCancel(runId, at, trx) {
      await of(runId, trx).set({ cancel_requested_at: at, next_at: at }).where('next_at', 'is not', null).execute();
    },
    async cancelRequestedAt(runId) {
      const row = await kysely
        .selectFrom(table)
        .select('cancel_requested_at')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', runId)
        .executeTakeFirst();
      return numberOrNull(row?.cancel_requested_at ?? null);
    },
    async wakeWaiting(runId, at, trx) {
      await of(runId, trx).set({ next_at: at }).where('status', '=', 'waiting').execute();
    },
  };
}
