import {
  coreMigrations,
  executorFor,
  inTransaction,
  kyselyOutbox,
  migrate,
  upsert,
  type Database,
} from '@dotmac/core/kysely';
import type { StoreTransaction } from '@dotmac/core';
import type { Kysely, Transaction } from 'kysely';
import { healthEvents } from '../../events.js';
import type { Sample } from '../../history/sample.js';
import type { KeptEndpoint } from '../../monitoring/directory.js';
import { outboxEntries } from '../outbox-entries.js';
import type { HealthStore, StoredEndpoint } from '../store.js';
import { aggregateSamples } from './aggregate.js';
import { healthMigrations } from './migrations.js';
import { endpointRow, storedEndpoint, type HealthTables } from './tables.js';

/** A store in the host's database: SQLite, PostgreSQL, MySQL or MariaDB. */
export function kyselyHealthStore(database: Database): HealthStore {
  const kysely = database.withTables<HealthTables>();
  const outbox = kyselyOutbox(database, { queue: 'health' });

  const saveStates = async (trx: Transaction<HealthTables>, states: readonly KeptEndpoint[]): Promise<void> => {
    const known = states.length === 0 ? [] : await livingIds(trx, states);
    const rows = states
      .filter(({ endpoint, checkedAt }) => known.includes(endpoint.id) && checkedAt !== null)
      .map(({ endpoint, status, streak, responseTimeMs, message, checkedAt }) => ({
        tenant_id: endpoint.tenantId,
        endpoint_id: endpoint.id,
        status,
        streak,
        response_time_ms: responseTimeMs,
        message,
        checked_at: checkedAt ?? 0,
      }));
    if (rows.length === 0) return;
    const replace = {
      status: 'replace',
      streak: 'replace',
      response_time_ms: 'replace',
      message: 'replace',
      checked_at: 'replace',
    } as const;
    const insert = trx.insertInto('dotmac_endpoint_states').values(rows);
    await upsert(database, insert, ['tenant_id', 'endpoint_id'], replace).execute();
  };

  return {
    outbox,
    async migrate() {
      await migrate(database, coreMigrations);
      await migrate(database, healthMigrations);
    },
    transaction: <Result>(work: (trx: StoreTransaction) => Promise<Result>, join?: StoreTransaction) =>
      inTransaction<HealthTables, Result>(database, join, work),
    async everyEndpoint({ limit, after }) {
      const rows = await withState(kysely)
        .orderBy('dotmac_endpoints.id')
        .$if(after !== null, (query) => query.where('dotmac_endpoints.id', '>', after ?? ''))
        .limit(limit + 1)
        .execute();
      return paged(rows.map(storedEndpoint), limit);
    },
    saveSamples: (samples, states) =>
      inTransaction<HealthTables, void>(database, undefined, async (trx) => {
        await trx.insertInto('dotmac_samples').values(samples.map(sampleRow)).execute();
        await saveStates(trx, states);
      }),
    saveChanges: (changes) =>
      inTransaction<HealthTables, void>(database, undefined, async (trx) => {
        // The last state of each: one statement must not touch a row twice.
        await saveStates(trx, [...new Map(changes.map(({ kept }) => [kept.endpoint.id, kept])).values()]);
        await outbox.append(outboxEntries(changes.map(({ event }) => healthEvents.encode(event))), trx);
      }),
    async pruneSamples(before, limit) {
      const old = await kysely
        .selectFrom('dotmac_samples')
        .select(['tenant_id', 'endpoint_id', 'at', 'id'])
        .where('at', '<', before)
        .orderBy('at')
        .limit(limit)
        .execute();
      if (old.length === 0) return 0;
      const newest = Number(old.at(-1)?.at);
      const ids = old.map(({ id }) => id);
      await kysely.deleteFrom('dotmac_samples').where('at', '<=', newest).where('id', 'in', ids).execute();
      return old.length;
    },
    tenant: (tenantId) => ({
      async insert(endpoint, trx) {
        await executorFor<HealthTables>(database, trx)
          .insertInto('dotmac_endpoints')
          .values({ ...endpointRow(endpoint), tenant_id: tenantId })
          .execute();
      },
      async get(endpointId) {
        const row = await withState(kysely)
          .where('dotmac_endpoints.tenant_id', '=', tenantId)
          .where('dotmac_endpoints.id', '=', endpointId)
          .executeTakeFirst();
        return row && storedEndpoint(row);
      },
      async list({ limit, after }) {
        const rows = await withState(kysely)
          .where('dotmac_endpoints.tenant_id', '=', tenantId)
          .orderBy('dotmac_endpoints.id')
          .$if(after !== null, (query) => query.where('dotmac_endpoints.id', '>', after ?? ''))
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
          for (const table of ['dotmac_endpoint_states', 'dotmac_samples'] as const)
            await trx
              .deleteFrom(table)
              .where('tenant_id', '=', tenantId)
              .where('endpoint_id', '=', endpointId)
              .execute();
          return true;
        }),
      aggregate: (endpointId, window) => aggregateSamples(kysely, tenantId, endpointId, window),
    }),
  };
}

function withState(kysely: Kysely<HealthTables>) {
  return kysely
    .selectFrom('dotmac_endpoints')
    .leftJoin('dotmac_endpoint_states', (join) =>
      join
        .onRef('dotmac_endpoint_states.tenant_id', '=', 'dotmac_endpoints.tenant_id')
        .onRef('dotmac_endpoint_states.endpoint_id', '=', 'dotmac_endpoints.id'),
    )
    .selectAll('dotmac_endpoints')
    .select(['status', 'streak', 'response_time_ms', 'message', 'checked_at']);
}

/** The endpoints among these that are still there; a removed one must not leave a state behind. */
async function livingIds(trx: Transaction<HealthTables>, states: readonly KeptEndpoint[]): Promise<string[]> {
  const ids = states.map(({ endpoint }) => endpoint.id);
  const rows = await trx.selectFrom('dotmac_endpoints').select('id').where('id', 'in', ids).execute();
  return rows.map(({ id }) => id);
}

function sampleRow({
  id,
  tenantId,
  endpointId,
  at,
  status,
  responseTimeMs,
  message,
}: Sample): HealthTables['dotmac_samples'] {
  return { tenant_id: tenantId, endpoint_id: endpointId, at, id, status, response_time_ms: responseTimeMs, message };
}

function paged(rows: StoredEndpoint[], limit: number) {
  const items = rows.slice(0, limit);
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.endpoint.id ?? null) : null };
}
