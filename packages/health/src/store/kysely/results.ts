import { bulkUpsert, type Database } from '@dotmac/core/kysely';
import type { Transaction } from 'kysely';
import type { RingResult } from '../../history/result.js';
import type { TenantEndpoints } from '../store.js';
import { resultOf, resultRow, type HealthTables } from './tables.js';

/** Puts results into their slots. */
export function writeResults(database: Database) {
  const save = bulkUpsert<HealthTables, 'dotmac_check_results'>(database, 'dotmac_check_results', {
    columns: ['tenant_id', 'endpoint_id', 'ring', 'slot', 'at', 'status', 'response_time_ms', 'message', 'phases'],
    conflict: ['tenant_id', 'endpoint_id', 'ring', 'slot'],
  });
  return {
    async saveResults(trx: Transaction<HealthTables>, results: readonly RingResult[]): Promise<void> {
      // After a long outage a ring may have gone round: the last of a slot counts.
      const bySlot = new Map(results.map((it) => [`${it.endpointId} ${it.ring} ${it.slot}`, it]));
      await save(trx, [...bySlot.values()].map(resultRow));
    },
  };
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
