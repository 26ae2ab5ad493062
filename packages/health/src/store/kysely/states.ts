import { upsert, type Database } from '@dotmac/core/kysely';
import type { Transaction } from 'kysely';
import type { KeptEndpoint } from '../../monitoring/directory.js';
import { stateRow, type HealthTables } from './tables.js';

/** Which of these endpoints are still there; what belongs to a removed one must not be left behind. */
export async function livingIds(trx: Transaction<HealthTables>, ids: Iterable<string>): Promise<ReadonlySet<string>> {
  const asked = [...new Set(ids)];
  if (asked.length === 0) return new Set();
  // Index: (id).
  const rows = await trx.selectFrom('dotmac_endpoints').select('id').where('id', 'in', asked).execute();
  return new Set(rows.map(({ id }) => id));
}

const replaced = {
  status: 'replace',
  response_time_ms: 'replace',
  message: 'replace',
  checked_at: 'replace',
  machine: 'replace',
} as const;

/** Updates what was last found out about these endpoints. */
export async function saveStates(
  database: Database,
  trx: Transaction<HealthTables>,
  states: readonly KeptEndpoint[],
): Promise<void> {
  const living = await livingIds(
    trx,
    states.map(({ endpoint }) => endpoint.id),
  );
  const rows = states.filter(({ endpoint, checkedAt }) => living.has(endpoint.id) && checkedAt !== null).map(stateRow);
  if (rows.length === 0) return;
  const insert = trx.insertInto('dotmac_endpoint_states').values(rows);
  await upsert(database, insert, ['tenant_id', 'endpoint_id'], replaced).execute();
}
