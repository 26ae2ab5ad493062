import { upsert, type Database } from '@dotmac/core/kysely';
import type { Transaction } from 'kysely';
import type { RingResult } from '../../history/result.js';
import type { TenantEndpoints } from '../store.js';
import { livingIds } from './states.js';
import { resultOf, resultRow, type HealthTables } from './tables.js';

const replaced = {
  at: 'replace',
  status: 'replace',
  response_time_ms: 'replace',
  message: 'replace',
  phases: 'replace',
} as const;

/** Puts results into their slots. */
export async function saveResults(
  database: Database,
  trx: Transaction<HealthTables>,
  results: readonly RingResult[],
): Promise<void> {
  const living = await livingIds(
    trx,
    results.map(({ endpointId }) => endpointId),
  );
  // After a long outage a ring may have gone round: the last of a slot counts.
  const bySlot = new Map(results.map((it) => [`${it.endpointId} ${it.ring} ${it.slot}`, it]));
  const rows = [...bySlot.values()].filter(({ endpointId }) => living.has(endpointId)).map(resultRow);
  if (rows.length === 0) return;
  const insert = trx.insertInto('dotmac_check_results').values(rows);
  await upsert(database, insert, ['tenant_id', 'endpoint_id', 'ring', 'slot'], replaced).execute();
}

/** The results of one tenant's endpoints. */
export function kyselyResults(database: Database, tenantId: string): Pick<TenantEndpoints, 'results'> {
  return {
    // Primary key: a ring is read whole and sorted, it is small.
    async results(endpointId, { ring, limit, before }) {
      const rows = await database
        .withTables<HealthTables>()
        .selectFrom('dotmac_check_results')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('endpoint_id', '=', endpointId)
        .where('ring', '=', ring)
        .$if(before !== undefined, (query) => query.where('at', '<', before ?? 0))
        .orderBy('at', 'desc')
        .limit(limit)
        .execute();
      return rows.map(resultOf);
    },
  };
}
