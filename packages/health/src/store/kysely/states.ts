import { bulkUpsert, type Database } from '@dotmac/core/kysely';
import type { Transaction } from 'kysely';
import type { KeptEndpoint } from '../../monitoring/directory.js';
import { stateRow } from './endpoint-rows.js';
import type { HealthTables } from './tables.js';

/** Bound parameters of one statement stay below what the databases take. */
const idsPerStatement = 500;

/**
 * Which of these endpoints are still there, locked: what belongs to a removed one must not be left behind. Index: (id).
 */
export async function lockLiving(
  database: Database,
  trx: Transaction<HealthTables>,
  ids: Iterable<string>,
): Promise<ReadonlySet<string>> {
  // In one order, so that two never wait for each other.
  const asked = [...new Set(ids)].sort();
  const living = new Set<string>();
  for (let at = 0; at < asked.length; at += idsPerStatement) {
    const rows = await trx
      .selectFrom('dotmac_endpoints')
      .select('id')
      .where('id', 'in', asked.slice(at, at + idsPerStatement))
      .orderBy('id')
      .$if(database.traits.skipLocked, (query) => query.forUpdate())
      .execute();
    for (const { id } of rows) living.add(id);
  }
  return living;
}

/** Writes what was last found out. */
export function writeStates(database: Database) {
  const save = bulkUpsert<HealthTables, 'dotmac_endpoint_states'>(database, 'dotmac_endpoint_states', {
    columns: ['tenant_id', 'endpoint_id', 'status', 'response_time_ms', 'message', 'checked_at', 'machine', 'revision'],
    conflict: ['tenant_id', 'endpoint_id'],
  });
  return {
    async saveStates(trx: Transaction<HealthTables>, states: readonly KeptEndpoint[]): Promise<void> {
      if (states.length === 0) return;
      // Who writes under a lease holds its row: what another has written is committed, and seen.
      const last = await trx
        .selectFrom('dotmac_endpoint_states')
        .select((eb) => eb.fn.max('revision').as('revision'))
        .executeTakeFirst();
      const next = Number(last?.revision ?? 0) + 1;
      await save(
        trx,
        states.map((state, index) => stateRow(state, next + index)),
      );
    },
  };
}
