import { executorFor, keptQuery, numberOrNull, writeTogether, type Database } from '@dotmac/core/kysely';
import type { Kysely } from 'kysely';
import { pageOf } from '../page-of.js';
import type { RunStore } from '../store.js';
import type { RunStatements } from './run-statements.js';
import { checkpointRow, runRow, runOf } from './run-row.js';
import { customerOf } from './customer-row.js';
import type { LifecycleTables } from './tables.js';

const table = 'dotmac_service_runs';
const services = 'dotmac_services';

interface Which {
  tenantId: string;
  runId: string;
}

const find = keptQuery((db: Kysely<LifecycleTables>, { tenantId, runId }: Which) =>
  db.selectFrom(table).selectAll().where('tenant_id', '=', tenantId).where('id', '=', runId),
);

const findStanding = keptQuery((db: Kysely<LifecycleTables>, { tenantId, runId }: Which) =>
  db
    .selectFrom(`${table} as r`)
    .innerJoin('dotmac_customers as c', (join) =>
      join.onRef('c.tenant_id', '=', 'r.tenant_id').onRef('c.id', '=', 'r.customer_id'),
    )
    .selectAll('c')
    .select('r.cancel_requested_at')
    .where('r.tenant_id', '=', tenantId)
    .where('r.id', '=', runId),
);

/** Provisioning runs in the database. */
export function kyselyRuns(database: Database, tenantId: string, statements?: RunStatements): RunStore {
  const kysely = database.withTables<LifecycleTables>();
  const of = (runId: string, trx: Parameters<RunStore['reopen']>[1]) =>
    executorFor<LifecycleTables>(database, trx)
      .updateTable(table)
      .where('tenant_id', '=', tenantId)
      .where('id', '=', runId);
  const checkpoint: RunStore['checkpoint'] = (runId, fence, { begunService, ...state }, trx) => {
    const guard = { update: table, set: checkpointRow(state), where: { tenant_id: tenantId, id: runId, fence } };
    const set = { status: 'provisioning', updated_at: state.updatedAt };
    const where = { tenant_id: tenantId, id: begunService, status: 'pending' };
    return writeTogether(database, { guard, then: begunService ? [{ update: services, set, where }] : [] }, trx);
  };
  const standing: RunStore['standing'] = async (runId, trx) => {
    const [row] = await findStanding(database, { tenantId, runId }, trx);
    return row && { customer: customerOf(row), cancelRequestedAt: numberOrNull(row.cancel_requested_at) };
  };
  return {
    async insert(run, trx) {
      await executorFor<LifecycleTables>(database, trx).insertInto(table).values(runRow(tenantId, run)).execute();
    },
    async get(runId, trx) {
      const [row] = await find(database, { tenantId, runId }, trx);
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
    async listFor(serviceId, limit, before, trx) {
      const rows = await executorFor<LifecycleTables>(database, trx)
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
    checkpoint,
    async proceed(runId, fence, state) {
      const proceeded = await statements?.proceed({ tenantId, runId, fence, state });
      if (proceeded) return proceeded;
      return (await checkpoint(runId, fence, state)) ? standing(runId) : undefined;
    },
    async reopen(run, trx) {
      await of(run.id, trx).set(checkpointRow(run)).execute();
    },
    async requestCancel(runId, at, trx) {
      await of(runId, trx).set({ cancel_requested_at: at, next_at: at }).where('next_at', 'is not', null).execute();
    },
    standing,
    async wakeWaiting(runId, at, trx) {
      await of(runId, trx).set({ next_at: at }).where('status', '=', 'waiting').execute();
    },
    async makeDue(runId, at, trx) {
      await of(runId, trx).set({ next_at: at }).where('status', 'in', ['running', 'waiting']).execute();
    },
  };
}
