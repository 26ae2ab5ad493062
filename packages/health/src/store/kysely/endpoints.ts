import { executorFor, inTransaction, type Database } from '@dotmac/core/kysely';
import type { Kysely, Transaction } from 'kysely';
import type { EndpointRecord } from '../../endpoints/endpoint.js';
import type { ChangedEndpoint, HealthStore, TenantEndpoints } from '../store.js';
import type { StoredEndpoint } from '../stored-endpoint.js';
import { lockLiving } from './states.js';
import { endpointOf, endpointRow, stateRow, storedEndpoint } from './endpoint-rows.js';
import type { HealthTables } from './tables.js';

type Endpoints = Pick<TenantEndpoints, 'insert' | 'change' | 'restate' | 'get' | 'list' | 'remove'>;

/** Every table with rows of an endpoint's. */
const belongings = [
  'dotmac_endpoint_tags',
  'dotmac_endpoint_states',
  'dotmac_result_chunks',
  'dotmac_check_buckets',
  'dotmac_incidents',
  'dotmac_incident_entries',
] as const;

/** One tenant's endpoints in the database. */
export function kyselyEndpoints(database: Database, tenantId: string): Endpoints {
  const kysely = database.withTables<HealthTables>();
  const setTags = async (trx: Kysely<HealthTables>, { id, tags }: EndpointRecord): Promise<void> => {
    if (tags.length === 0) return;
    const rows = tags.map((tag) => ({ tenant_id: tenantId, tag, endpoint_id: id }));
    await trx.insertInto('dotmac_endpoint_tags').values(rows).execute();
  };
  const find = async (on: Kysely<HealthTables>, endpointId: string): Promise<StoredEndpoint | undefined> => {
    const row = await withState(on)
      .where('dotmac_endpoints.tenant_id', '=', tenantId)
      .where('dotmac_endpoints.id', '=', endpointId)
      .executeTakeFirst();
    return row && storedEndpoint(row);
  };
  const forget = (trx: Transaction<HealthTables>, table: (typeof belongings)[number], endpointId: string) =>
    trx.deleteFrom(table).where('tenant_id', '=', tenantId).where('endpoint_id', '=', endpointId).execute();

  return {
    async insert(endpoint, trx) {
      const on = executorFor<HealthTables>(database, trx);
      await on
        .insertInto('dotmac_endpoints')
        .values({ ...endpointRow(endpoint), tenant_id: tenantId })
        .execute();
      await setTags(on, endpoint);
    },
    change: (id, change, join) =>
      inTransaction<HealthTables, ChangedEndpoint | undefined>(database, join, async (trx) => {
        const row = await trx
          .selectFrom('dotmac_endpoints')
          .selectAll()
          .where('tenant_id', '=', tenantId)
          .where('id', '=', id)
          .$if(database.traits.skipLocked, (query) => query.forUpdate())
          .executeTakeFirst();
        if (!row) return undefined;
        const before = endpointOf(row);
        const after = change(before);
        if (after === before) return { before, after };
        const { tenant_id: _, id: __, ...changed } = endpointRow(after);
        await trx
          .updateTable('dotmac_endpoints')
          .set(changed)
          .where('tenant_id', '=', tenantId)
          .where('id', '=', id)
          .execute();
        await forget(trx, 'dotmac_endpoint_tags', id);
        await setTags(trx, after);
        return { before, after };
      }),
    restate: (endpointId, change, join) =>
      inTransaction<HealthTables, void>(database, join, async (trx) => {
        // As those do who settle: what they write is seen, or comes afterwards.
        await lockLiving(database, trx, [endpointId]);
        const known = await find(trx, endpointId);
        if (!known?.state) return;
        const state = change(known.state);
        if (state === known.state) return;
        const {
          tenant_id: _,
          endpoint_id: __,
          revision: ___,
          ...changed
        } = stateRow({ ...state, endpoint: known.endpoint }, 0);
        await trx
          .updateTable('dotmac_endpoint_states')
          .set(changed)
          .where('tenant_id', '=', tenantId)
          .where('endpoint_id', '=', endpointId)
          .execute();
      }),
    get: (endpointId) => find(kysely, endpointId),
    // Index: the primary key (tenant_id, id); with a tag, that of the tags.
    async list({ limit, after, filter: { status, serviceType, tag, paused } = {} }) {
      const rows = await withState(kysely)
        .where('dotmac_endpoints.tenant_id', '=', tenantId)
        .$if(after !== null, (query) => query.where('dotmac_endpoints.id', '>', after ?? ''))
        .$if(serviceType !== undefined, (query) => query.where('service_type', '=', serviceType ?? ''))
        .$if(paused !== undefined, (query) => query.where('paused_at', paused ? 'is not' : 'is', null))
        .$if(status !== undefined, (query) =>
          query.where((eb) => eb(eb.fn.coalesce('status', eb.val('unknown')), '=', status ?? '')),
        )
        .$if(tag !== undefined, (query) =>
          query.where('dotmac_endpoints.id', 'in', (eb) =>
            eb
              .selectFrom('dotmac_endpoint_tags')
              .select('endpoint_id')
              .where('dotmac_endpoint_tags.tenant_id', '=', tenantId)
              .where('tag', '=', tag ?? ''),
          ),
        )
        .orderBy('dotmac_endpoints.id')
        .limit(limit + 1)
        .execute();
      return paged(rows.map(storedEndpoint), limit);
    },
    remove: (endpointId, join) =>
      inTransaction<HealthTables, boolean>(database, join, async (trx) => {
        const { numDeletedRows } = await trx
          .deleteFrom('dotmac_endpoints')
          .where('tenant_id', '=', tenantId)
          .where('id', '=', endpointId)
          .executeTakeFirst();
        if (numDeletedRows === 0n) return false;
        for (const table of belongings) await forget(trx, table, endpointId);
        return true;
      }),
  };
}

/** Every tenant's endpoints by id. Index: (id). */
export async function everyEndpoint(
  database: Database,
  { limit, after }: Parameters<HealthStore['everyEndpoint']>[0],
): ReturnType<HealthStore['everyEndpoint']> {
  const rows = await withState(database.withTables<HealthTables>())
    .orderBy('dotmac_endpoints.id')
    .$if(after !== null, (query) => query.where('dotmac_endpoints.id', '>', after ?? ''))
    .limit(limit + 1)
    .execute();
  return paged(rows.map(storedEndpoint), limit);
}

/** Endpoints with their states. */
export function withState(kysely: Kysely<HealthTables>) {
  return kysely
    .selectFrom('dotmac_endpoints')
    .leftJoin('dotmac_endpoint_states', (join) =>
      join
        .onRef('dotmac_endpoint_states.tenant_id', '=', 'dotmac_endpoints.tenant_id')
        .onRef('dotmac_endpoint_states.endpoint_id', '=', 'dotmac_endpoints.id'),
    )
    .selectAll('dotmac_endpoints')
    .select(['status', 'response_time_ms', 'message', 'checked_at', 'machine']);
}

function paged(rows: StoredEndpoint[], limit: number) {
  const items = rows.slice(0, limit);
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.endpoint.id ?? null) : null };
}
