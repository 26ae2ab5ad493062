import { upsert, type Database } from '@dotmac/core/kysely';
import type { ExpressionBuilder, Transaction } from 'kysely';
import { bucketOfRow, bucketRow, mergeBuckets } from '../../history/bucket.js';
import type { BucketDelta } from '../../history/pending-buckets.js';
import type { Resolution } from '../../history/resolution.js';
import type { TenantEndpoints } from '../store.js';
import { livingIds } from './states.js';
import type { BucketsRow, HealthTables } from './tables.js';

/** Bound parameters of one statement stay below what the databases take. */
const rowsPerStatement = 200;

type Key = Pick<BucketsRow, 'tenant_id' | 'endpoint_id' | 'resolution' | 'start'>;
const keyOf = ({ endpoint_id: endpoint, resolution, start }: Key): string => `${endpoint} ${resolution} ${start}`;

/**
 * Adds to buckets: reads those that are there, merges and writes them back, since a histogram is more than SQL adds up.
 * The rows read are locked; where none was yet, two writers of one endpoint would overwrite each other, so the
 * endpoints' own rows are locked first.
 */
export async function addBuckets(
  database: Database,
  trx: Transaction<HealthTables>,
  deltas: readonly BucketDelta[],
): Promise<void> {
  const living = await lockEndpoints(database, trx, deltas);
  const sums = new Map<string, { key: Key; bucket: BucketDelta['bucket'] }>();
  for (const { tenantId, endpointId, resolution, bucket } of deltas) {
    if (!living.has(endpointId)) continue;
    const key = { tenant_id: tenantId, endpoint_id: endpointId, resolution, start: bucket.start };
    const known = sums.get(keyOf(key));
    if (known) mergeBuckets(known.bucket, bucket);
    else sums.set(keyOf(key), { key, bucket: structuredClone(bucket) });
  }
  const all = [...sums.values()];
  for (let at = 0; at < all.length; at += rowsPerStatement) {
    const batch = all.slice(at, at + rowsPerStatement);
    for (const row of await existing(trx, batch)) {
      const sum = sums.get(keyOf({ ...row, start: Number(row.start) }));
      if (sum) mergeBuckets(sum.bucket, bucketOfRow(row));
    }
    const rows = batch.map(({ key, bucket }) => ({ ...bucketRow(bucket), ...key }));
    const columns = Object.keys(rows[0] ?? {}).filter((column) => !(column in batch[0]!.key));
    const replaced = Object.fromEntries(columns.map((column) => [column, 'replace' as const]));
    const insert = trx.insertInto('dotmac_check_buckets').values(rows);
    await upsert(database, insert, ['tenant_id', 'endpoint_id', 'resolution', 'start'], replaced).execute();
  }
}

async function lockEndpoints(
  database: Database,
  trx: Transaction<HealthTables>,
  deltas: readonly BucketDelta[],
): Promise<ReadonlySet<string>> {
  const ids = [...new Set(deltas.map(({ endpointId }) => endpointId))];
  if (!database.traits.skipLocked) return livingIds(trx, ids);
  if (ids.length === 0) return new Set();
  // In one order, so that two writers never wait for each other. Index: (id).
  const rows = await trx
    .selectFrom('dotmac_endpoints')
    .select('id')
    .where('id', 'in', ids)
    .orderBy('id')
    .forUpdate()
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** Primary key, a point for each bucket. */
function existing(trx: Transaction<HealthTables>, batch: readonly { key: Key }[]): Promise<BucketsRow[]> {
  const isOne = (eb: ExpressionBuilder<HealthTables, 'dotmac_check_buckets'>) =>
    eb.or(batch.map(({ key }) => eb.and(key)));
  return trx.selectFrom('dotmac_check_buckets').selectAll().where(isOne).execute();
}

/** The buckets of one tenant's endpoints. */
export function kyselyBuckets(database: Database, tenantId: string): Pick<TenantEndpoints, 'buckets'> {
  return {
    // Primary key: a range within an endpoint's resolution.
    async buckets(endpointId, { resolution, from, until }) {
      const rows = await database
        .withTables<HealthTables>()
        .selectFrom('dotmac_check_buckets')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('endpoint_id', '=', endpointId)
        .where('resolution', '=', resolution)
        .where('start', '>=', from)
        .where('start', '<', until)
        .orderBy('start')
        .execute();
      return rows.map(bucketOfRow);
    },
  };
}

/** Index: (resolution, start). */
export async function pruneBuckets(
  database: Database,
  resolution: Resolution,
  before: number,
  limit: number,
): Promise<number> {
  const kysely = database.withTables<HealthTables>();
  const old = await kysely
    .selectFrom('dotmac_check_buckets')
    .select(['tenant_id', 'endpoint_id', 'resolution', 'start'])
    .where('resolution', '=', resolution)
    .where('start', '<', before)
    .orderBy('start')
    .limit(limit)
    .execute();
  for (let at = 0; at < old.length; at += rowsPerStatement) {
    const batch = old.slice(at, at + rowsPerStatement);
    await kysely
      .deleteFrom('dotmac_check_buckets')
      .where((eb) => eb.or(batch.map((key) => eb.and({ ...key, start: Number(key.start) }))))
      .execute();
  }
  return old.length;
}
