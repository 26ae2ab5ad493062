import { executorFor, type Database } from '@dotmac/core/kysely';
import type { ServiceStatus } from '../../provisioning/run.js';
import type { RunStore } from '../store.js';
import { runOf, type LifecycleTables } from './tables.js';

const table = 'dotmac_service_runs';

/** Provisioning runs in the database. */
export function kyselyRuns(database: Database, tenantId: string): RunStore {
  const kysely = database.withTables<LifecycleTables>();
  return {
    async insert(run, trx) {
      const row = {
        tenant_id: tenantId,
        id: run.id,
        customer_id: run.customerId,
        service_name: run.serviceName,
        template_version: run.templateVersion,
        template_hash: run.templateHash,
        config: JSON.stringify(run.config),
        status: run.status,
        direction: run.direction,
        steps: JSON.stringify(run.steps),
        next_at: run.nextAt,
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
    async get(runId) {
      const row = await kysely
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', runId)
        .executeTakeFirst();
      return row && runOf(row);
    },
    // Index: (tenant_id, customer_id, id); ids are in the order of their making.
    async listFor(customerId, limit) {
      const rows = await kysely
        .selectFrom(table)
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('customer_id', '=', customerId)
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(runOf);
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
    // Index: (tenant_id, status).
    async countByStatus() {
      const rows = await kysely
        .selectFrom(table)
        .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
        .where('tenant_id', '=', tenantId)
        .groupBy('status')
        .execute();
      return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)])) as Partial<
        Record<ServiceStatus, number>
      >;
    },
  };
}
