import { bulkUpsert, type Database } from '@dotmac/core/kysely';
import type { Transaction } from 'kysely';
import type { RingChunk } from '../../history/ring.js';
import type { TenantEndpoints } from '../store.js';
import type { HealthTables } from './tables.js';

/** Puts chunks into their slots. */
export function writeChunks(database: Database) {
  const save = bulkUpsert<HealthTables, 'dotmac_result_chunks'>(database, 'dotmac_result_chunks', {
    columns: ['tenant_id', 'endpoint_id', 'ring', 'slot', 'body'],
    conflict: ['tenant_id', 'endpoint_id', 'ring', 'slot'],
  });
  return {
    saveChunks: (trx: Transaction<HealthTables>, chunks: readonly RingChunk[]): Promise<void> =>
      save(
        trx,
        chunks.map(({ tenantId, endpointId, ring, slot, body }) => {
          return { tenant_id: tenantId, endpoint_id: endpointId, ring, slot, body };
        }),
      ),
  };
}

/** The chunks of one tenant's endpoints. */
export function kyselyChunks(database: Database, tenantId: string): Pick<TenantEndpoints, 'chunks'> {
  return {
    // Primary key: a ring is read whole, it is small.
    async chunks(endpointId, ring) {
      const rows = await database
        .withTables<HealthTables>()
        .selectFrom('dotmac_result_chunks')
        .select('body')
        .where('tenant_id', '=', tenantId)
        .where('endpoint_id', '=', endpointId)
        .where('ring', '=', ring)
        .execute();
      return rows.map(({ body }) => body);
    },
  };
}
