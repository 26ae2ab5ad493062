import { bulkUpsert, type Database } from '@dotmac/core/kysely';
import { CompiledQuery, sql, type Transaction } from 'kysely';
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

type Stored = Pick<BucketsRow, 'endpoint_id' | 'start' | (typeof values)[number]>;

/** What is added to the buckets of one resolution and start, by endpoint: the buckets of a moment lie at few starts. */
interface Group {
  series: string;
  start: number;
  ofEndpoints: Map<string, { tenantId: string; buckets: Bucket[] }>;
}

/**
 * Adds to buckets of locked endpoints: reads those that are there, merges and writes them back, since a histogram is
 * more than SQL adds up.
 */
export function writeBuckets(database: Database) {
  const existing = existingOf(database);
  const save = bulkUpsert<HealthTables, 'dotmac_check_buckets'>(database, 'dotmac_check_buckets', {
    columns: [...keys, ...values],
    conflict: keys,
  });
  return {
    async addBuckets(trx: Transaction<HealthTables>, deltas: readonly BucketDelta[]): Promise<void> {
      const rows: BucketsRow[] = [];
      for (const group of groupsOf(deltas)) {
        const { series: resolution, start } = group;
        const stored = new Map((await existing(trx, group)).map((row) => [row.endpoint_id, row]));
        for (const [endpointId, { tenantId, buckets }] of group.ofEndpoints) {
          const row = stored.get(endpointId);
          // A bucket of its own: should the transaction fail, what was given goes back to where it came from.
          const sum = row ? bucketOfRow(row) : emptyBucket(start);
          for (const bucket of buckets) mergeBuckets(sum, bucket);
          rows.push({ tenant_id: tenantId, endpoint_id: endpointId, resolution, ...bucketRow(sum) });
        }
      }
      await save(trx, rows);
    },
  };
}

function groupsOf(deltas: readonly BucketDelta[]): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const delta of deltas) {
    const { tenantId, endpointId, bucket } = delta;
    const series = seriesOf(delta);
    const name = `${series} ${bucket.start}`;
    let group = groups.get(name);
    if (!group) groups.set(name, (group = { series, start: bucket.start, ofEndpoints: new Map() }));
    const known = group.ofEndpoints.get(endpointId);
    if (known) known.buckets.push(bucket);
    else group.ofEndpoints.set(endpointId, { tenantId, buckets: [bucket] });
  }
  return groups.values();
}

/**
 * Reads the buckets of a group that are there. Primary key, a point for each. The text for so many is built once: building
 * it takes longer than SQLite takes to answer.
 */
function existingOf(database: Database) {
  const texts = new Map<number, string>();
  const textFor = (size: number): string => {
    const known = texts.get(size);
    if (known !== undefined) return known;
    // What stands in it does not matter: every value becomes a parameter, in this order.
    const pairs = sql.join(Array.from({ length: size }, () => sql`(${''}, ${''})`));
    const { sql: text } = database
      .withTables<HealthTables>()
      .selectFrom('dotmac_check_buckets')
      .select(['endpoint_id', 'start', ...values])
      .where('resolution', '=', '')
      .where('start', '=', 0)
      .where(
        sql<boolean>`(tenant_id, endpoint_id) in (${database.dialect === 'sqlite' ? sql`values ${pairs}` : pairs})`,
      )
      .compile();
    texts.set(size, text);
    return text;
  };
  return async (trx: Transaction<HealthTables>, { series, start, ofEndpoints }: Group): Promise<Stored[]> => {
    const found: Stored[] = [];
    const pairs = [...ofEndpoints].map(([endpointId, { tenantId }]) => [tenantId, endpointId]);
    for (let at = 0; at < pairs.length; at += keysPerStatement) {
      const asked = pairs.slice(at, at + keysPerStatement);
      const query = CompiledQuery.raw(textFor(asked.length), [series, start, ...asked.flat()]);
      found.push(...(await trx.executeQuery<Stored>(query)).rows);
    }
    return found;
  };
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
