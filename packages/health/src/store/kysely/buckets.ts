import { bulkUpsert, type Database } from '@dotmac/core/kysely';
import { sql, type Transaction } from 'kysely';
import {
  bucketOfRow,
  bucketRow,
  emptyBucket,
  mergeBuckets,
  sumsOfRow,
  type Bucket,
  type Sums,
} from '../../history/bucket.js';
import type { BucketDelta } from '../../history/pending-buckets.js';
import type { Resolution } from '../../history/resolution.js';
import type { BucketSpan, TenantEndpoints } from '../store.js';
import type { BucketsRow, HealthTables } from './tables.js';

/** Bound parameters of one statement stay below what the databases take. */
const keysPerStatement = 200;

/** What is written as an endpoint's resolution: sums of planned maintenance are rows of their own, beside the others. */
const seriesOf = ({ resolution, inMaintenance = false }: Pick<BucketSpan, 'resolution' | 'inMaintenance'>): string =>
  inMaintenance ? `${resolution}-maintenance` : resolution;

type Key = Pick<BucketsRow, 'tenant_id' | 'endpoint_id' | 'resolution' | 'start'>;
type Pending = Map<string, { key: Key; bucket: Bucket }>;
const nameOf = ({ endpoint_id: endpoint, resolution, start }: Key): string => `${endpoint} ${resolution} ${start}`;

const keys = ['tenant_id', 'endpoint_id', 'resolution', 'start'] as const;
const counted = [
  'n_healthy',
  'n_degraded',
  'n_critical',
  'n_offline',
  'n_unknown',
  'ms_healthy',
  'ms_degraded',
  'ms_critical',
  'ms_offline',
  'ms_unknown',
] as const;
const values = [...counted, 'timed', 'sum_ms', 'min_ms', 'max_ms', 'histogram'] as const;

/**
 * Adds to buckets of locked endpoints: reads those that are there, merges and writes them back, since a histogram is
 * more than SQL adds up.
 */
export function writeBuckets(database: Database) {
  const save = bulkUpsert<HealthTables, 'dotmac_check_buckets'>(database, 'dotmac_check_buckets', {
    columns: [...keys, ...values],
    conflict: keys,
  });
  return {
    async addBuckets(trx: Transaction<HealthTables>, deltas: readonly BucketDelta[]): Promise<void> {
      const sums = summed(deltas);
      for (const group of groupsOf(sums))
        for (const row of await existing(database, trx, group)) {
          const sum = sums.get(nameOf({ ...row, start: Number(row.start) }));
          if (sum) mergeBuckets(sum.bucket, bucketOfRow(row));
        }
      await save(
        trx,
        [...sums.values()].map(({ key, bucket }) => Object.assign(bucketRow(bucket), key)),
      );
    },
  };
}

function summed(deltas: readonly BucketDelta[]): Pending {
  const sums: Pending = new Map();
  for (const delta of deltas) {
    const { tenantId, endpointId, bucket } = delta;
    const key = { tenant_id: tenantId, endpoint_id: endpointId, resolution: seriesOf(delta), start: bucket.start };
    const name = nameOf(key);
    let sum = sums.get(name);
    // A copy: should the transaction fail, what was given goes back to where it came from.
    if (!sum) sums.set(name, (sum = { key, bucket: emptyBucket(bucket.start) }));
    mergeBuckets(sum.bucket, bucket);
  }
  return sums;
}

/** Keys of one resolution and start, as many as go into a statement: the buckets of a moment lie at few starts. */
function groupsOf(sums: Pending): Key[][] {
  const groups = new Map<string, Key[]>();
  const full: Key[][] = [];
  for (const { key } of sums.values()) {
    const name = `${key.resolution} ${key.start}`;
    const group = groups.get(name) ?? [];
    group.push(key);
    groups.set(name, group);
    if (group.length < keysPerStatement) continue;
    full.push(group);
    groups.delete(name);
  }
  return [...full, ...groups.values()];
}

/** Primary key, a point for each bucket. */
function existing(database: Database, trx: Transaction<HealthTables>, group: readonly Key[]): Promise<BucketsRow[]> {
  const [first] = group as [Key];
  const pairs = sql.join(group.map((key) => sql`(${key.tenant_id}, ${key.endpoint_id})`));
  const list = database.dialect === 'sqlite' ? sql`values ${pairs}` : pairs;
  return trx
    .selectFrom('dotmac_check_buckets')
    .selectAll()
    .where('resolution', '=', first.resolution)
    .where('start', '=', first.start)
    .where(sql<boolean>`(tenant_id, endpoint_id) in (${list})`)
    .execute();
}

/** The buckets of one tenant's endpoints. */
export function kyselyBuckets(
  database: Database,
  tenantId: string,
): Pick<TenantEndpoints, 'buckets' | 'sums' | 'total'> {
  return {
    // Primary key: a range within an endpoint's resolution.
    async buckets(endpointId, span) {
      const rows = await database
        .withTables<HealthTables>()
        .selectFrom('dotmac_check_buckets')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('endpoint_id', '=', endpointId)
        .where('resolution', '=', seriesOf(span))
        .where('start', '>=', span.from)
        .where('start', '<', span.until)
        .orderBy('start')
        .execute();
      return rows.map(bucketOfRow);
    },
    // Primary key: a range for each endpoint.
    async sums(endpointIds, span) {
      const sums = new Map<string, Sums>();
      for (let at = 0; at < endpointIds.length; at += keysPerStatement) {
        const rows = await database
          .withTables<HealthTables>()
          .selectFrom('dotmac_check_buckets')
          .select('endpoint_id')
          .select(({ fn }) => counted.map((column) => fn.sum<number | string>(column).as(column)))
          .where('tenant_id', '=', tenantId)
          .where('endpoint_id', 'in', endpointIds.slice(at, at + keysPerStatement))
          .where('resolution', '=', seriesOf(span))
          .where('start', '>=', span.from)
          .where('start', '<', span.until)
          .groupBy('endpoint_id')
          .execute();
        for (const row of rows) sums.set(row.endpoint_id, sumsOfRow(row));
      }
      return sums;
    },
    // Primary key: a range for each endpoint.
    async total(endpointIds, span) {
      const total = emptyBucket(span.from);
      for (let at = 0; at < endpointIds.length; at += keysPerStatement) {
        const rows = await database
          .withTables<HealthTables>()
          .selectFrom('dotmac_check_buckets')
          .selectAll()
          .where('tenant_id', '=', tenantId)
          .where('endpoint_id', 'in', endpointIds.slice(at, at + keysPerStatement))
          .where('resolution', '=', seriesOf(span))
          .where('start', '>=', span.from)
          .where('start', '<', span.until)
          .execute();
        for (const row of rows) mergeBuckets(total, bucketOfRow(row));
      }
      return total;
    },
  };
}

/** Deletes old buckets, those of planned maintenance last. */
export async function pruneBuckets(
  database: Database,
  resolution: Resolution,
  before: number,
  limit: number,
): Promise<number> {
  const pruned = await pruneSeries(database, { series: seriesOf({ resolution }), before, limit });
  if (pruned === limit) return pruned;
  const series = seriesOf({ resolution, inMaintenance: true });
  return pruned + (await pruneSeries(database, { series, before, limit: limit - pruned }));
}

/** Index: (resolution, start). */
async function pruneSeries(
  database: Database,
  { series, before, limit }: { series: string; before: number; limit: number },
): Promise<number> {
  const kysely = database.withTables<HealthTables>();
  const old = await kysely
    .selectFrom('dotmac_check_buckets')
    .select(['tenant_id', 'endpoint_id', 'resolution', 'start'])
    .where('resolution', '=', series)
    .where('start', '<', before)
    .orderBy('start')
    .limit(limit)
    .execute();
  for (let at = 0; at < old.length; at += keysPerStatement) {
    const batch = old.slice(at, at + keysPerStatement);
    await kysely
      .deleteFrom('dotmac_check_buckets')
      .where((eb) => eb.or(batch.map((key) => eb.and({ ...key, start: Number(key.start) }))))
      .execute();
  }
  return old.length;
}
