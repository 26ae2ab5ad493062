import { newId, type Clock } from '@dotmac/core';
import {
  databaseTime,
  executorFor,
  fromJson,
  inTransaction,
  kyselyLeases,
  toJson,
  type Database,
} from '@dotmac/core/kysely';
import { sql, type Transaction } from 'kysely';
import type { ProbeResult } from '../../probes/judge.js';
import { keptCode } from '../../probes/outcomes.js';
import type { SharedStore } from '../sharing.js';
import type { Handed } from '../store.js';
import { withState } from './endpoints.js';
import type { kyselyReceipts } from './receipts.js';
import { storedEndpoint } from './endpoint-rows.js';
import type { HealthTables } from './tables.js';

/** Rows of one insert stay below the bound parameters that databases take. */
const rowsPerStatement = 100;

/** What processes on one database tell each other. */
export function kyselySharing(
  database: Database,
  clock: Pick<Clock, 'now'> | undefined,
  { keepReceipt }: Pick<ReturnType<typeof kyselyReceipts>, 'keepReceipt'>,
): Omit<SharedStore, 'watched' | 'lastSettled' | 'pruneReceipts'> {
  const kysely = database.withTables<HealthTables>();
  const time = () => databaseTime(database, clock);
  return {
    leases: kyselyLeases(database, clock && { clock }),
    async noteChanges(changes, origin, trx) {
      for (let at = 0; at < changes.length; at += rowsPerStatement)
        await executorFor<HealthTables>(database, trx)
          .insertInto('dotmac_endpoint_changes')
          .values(
            changes.slice(at, at + rowsPerStatement).map(({ tenantId, endpointId }) => ({
              ...{ id: newId(), tenant_id: tenantId, endpoint_id: endpointId, origin },
              changed_at: time(),
            })),
          )
          .execute();
    },
    // Index: (changed_at, id).
    async changesSince({ origin, since, after, limit }) {
      const rows = await kysely
        .selectFrom('dotmac_endpoint_changes')
        .select(['id', 'tenant_id', 'endpoint_id', 'changed_at'])
        .where('changed_at', '>=', since)
        .where('origin', '!=', origin)
        .$if(after !== null, (query) =>
          query.where(({ and, eb, or }) =>
            or([
              eb('changed_at', '>', after?.at ?? 0),
              and([eb('changed_at', '=', after?.at ?? 0), eb('id', '>', after?.id ?? '')]),
            ]),
          ),
        )
        .orderBy('changed_at')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        ...{ id: row.id, tenantId: row.tenant_id, endpointId: row.endpoint_id },
        at: Number(row.changed_at),
      }));
    },
    async time() {
      return Number((await kysely.selectNoFrom(time().as('at')).executeTakeFirstOrThrow()).at);
    },
    async endpointsById(ids) {
      if (ids.length === 0) return [];
      const rows = await withState(kysely)
        .where('dotmac_endpoints.id', 'in', [...ids])
        .execute();
      return rows.map(storedEndpoint);
    },
    async stateRevision() {
      const row = await kysely
        .selectFrom('dotmac_endpoint_states')
        .select((eb) => eb.fn.max('revision').as('revision'))
        .executeTakeFirst();
      return Number(row?.revision ?? 0);
    },
    // Index: (revision).
    async statesSince(revision, limit) {
      const rows = await withState(kysely)
        .select('revision')
        .where('revision', '>', revision)
        .orderBy('revision')
        .limit(limit)
        .execute();
      return rows.map((row) => ({ ...storedEndpoint(row), revision: Number(row.revision) }));
    },
    handOver: (results, receipt) =>
      inTransaction<HealthTables, void>(database, undefined, async (trx) => {
        if (!(await keepReceipt(trx, receipt))) return;
        for (let at = 0; at < results.length; at += rowsPerStatement)
          await trx
            .insertInto('dotmac_handed_results')
            .values(
              results.slice(at, at + rowsPerStatement).map(({ id, tenantId, endpointId, at: seenAt, result }) => ({
                ...{ id, tenant_id: tenantId, endpoint_id: endpointId, at: seenAt, body: toJson(result) },
                handed_at: time(),
              })),
            )
            .execute();
      }),
    // Index: (handed_at, id).
    async handed(limit) {
      const rows = await kysely
        .selectFrom('dotmac_handed_results')
        .selectAll()
        .orderBy('handed_at')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ id, tenant_id: tenantId, endpoint_id: endpointId, at, body }) => {
        const found = fromJson<Omit<ProbeResult, 'code'> & Partial<ProbeResult>>(body);
        const result = { ...found, code: keptCode(found.status, found.code) };
        return { id, tenantId, endpointId, at: Number(at), result };
      });
    },
    async pruneShared(before, limit) {
      const prune = async (table: 'dotmac_endpoint_changes' | 'dotmac_handed_results', column: string) => {
        const by = sql.ref<number>(column);
        const old = await kysely
          .selectFrom(table)
          .select('id')
          .where(by, '<', before)
          .orderBy(by)
          .limit(limit)
          .execute();
        const ids = old.map(({ id }) => id);
        for (let at = 0; at < ids.length; at += rowsPerStatement)
          await kysely
            .deleteFrom(table)
            .where('id', 'in', ids.slice(at, at + rowsPerStatement))
            .execute();
        return ids.length;
      };
      return (
        (await prune('dotmac_endpoint_changes', 'changed_at')) + (await prune('dotmac_handed_results', 'handed_at'))
      );
    },
  };
}

/** Takes out what is counted in a settlement, in its transaction. */
export async function removeHanded(trx: Transaction<HealthTables>, handed: readonly Handed[]): Promise<void> {
  const ids = handed.map(({ id }) => id);
  // Primary key.
  for (let at = 0; at < ids.length; at += rowsPerStatement)
    await trx
      .deleteFrom('dotmac_handed_results')
      .where('id', 'in', ids.slice(at, at + rowsPerStatement))
      .execute();
}
