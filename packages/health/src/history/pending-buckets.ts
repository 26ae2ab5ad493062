import type { KeptEndpoint } from '../monitoring/directory.js';
import { addCheck, addDuration, emptyBucket, mergeBuckets, type Bucket } from './bucket.js';
import { resolutions, splitDuration, startOf, type Resolution } from './resolution.js';
import type { CheckResult } from './result.js';

/** A bucket to be added to what the store has of an endpoint. */
export interface BucketDelta {
  tenantId: string;
  endpointId: string;
  resolution: Resolution;
  /** Whether its checks were made in planned maintenance: they are summed up apart. Default false. */
  inMaintenance?: boolean;
  bucket: Bucket;
}

/** What was observed since it was last stored, summed up by minutes. */
export interface PendingBuckets {
  /** Minutes that wait. */
  readonly size: number;
  /** Adds a check, and how long the endpoint had which status before it. */
  add(result: CheckResult, before: Pick<KeptEndpoint, 'status' | 'checkedAt'>, longestGapMs: number): void;
  /** The endpoints that are not left out of which something waits since before `until` (epoch ms), at most so many, the oldest first. */
  due(until: number, limit: number, isLeftOut?: (endpointId: string) => boolean): string[];
  has(endpointId: string): boolean;
  /** Takes out what waits of one endpoint. @param isPlanned whether a minute, by its start, is one of planned maintenance */
  takeOf(endpointId: string, isPlanned?: (minute: number) => boolean): BucketDelta[];
  /** Puts back what could not be stored. */
  putBack(deltas: readonly BucketDelta[], now: number): void;
  /** Gives up the oldest minutes beyond so many, and says how many checks were in them. */
  shrinkTo(minutes: number): number;
  clear(): void;
}

/** Longer than the interval of an endpoint is by default. */
const minuteWiseMs = 4 * 3_600_000;

interface Waiting {
  tenantId: string;
  since: number;
  minutes: Map<number, Bucket>;
}

/** Makes an empty one. Adding a check takes constant time; hours and days are summed up from the minutes when taken. */
export function pendingBuckets(): PendingBuckets {
  /** In the order of their first check. */
  const waiting = new Map<string, Waiting>();
  let size = 0;

  const minuteOf = (tenantId: string, endpointId: string, start: number, now: number): Bucket => {
    let own = waiting.get(endpointId);
    if (!own) waiting.set(endpointId, (own = { tenantId, since: now, minutes: new Map() }));
    let minute = own.minutes.get(start);
    if (!minute) {
      own.minutes.set(start, (minute = emptyBucket(start)));
      size++;
    }
    return minute;
  };
  const takeOf = (endpointId: string, isPlanned: (minute: number) => boolean = () => false): BucketDelta[] => {
    const own = waiting.get(endpointId);
    if (!own) return [];
    waiting.delete(endpointId);
    size -= own.minutes.size;
    const { tenantId } = own;
    const [planned, other]: [Bucket[], Bucket[]] = [[], []];
    for (const bucket of own.minutes.values()) (isPlanned(bucket.start) ? planned : other).push(bucket);
    const deltasOf = (minutes: readonly Bucket[], inMaintenance: boolean): BucketDelta[] =>
      resolutions.flatMap((resolution) =>
        [...coarser(minutes, resolution)].map((bucket) => ({
          tenantId,
          endpointId,
          resolution,
          inMaintenance,
          bucket,
        })),
      );
    return [...deltasOf(other, false), ...(planned.length > 0 ? deltasOf(planned, true) : [])];
  };

  return {
    get size() {
      return size;
    },
    add({ tenantId, endpointId, at, status, responseTimeMs }, before, longestGapMs) {
      addCheck(minuteOf(tenantId, endpointId, startOf('minute', at), at), { status, responseTimeMs });
      // A longer gap is one where nobody looked: nothing is known of it.
      if (before.checkedAt === null || at <= before.checkedAt || at - before.checkedAt > longestGapMs) return;
      // A long interval is told by the minutes that its hours begin with: a month has 44,000 minutes.
      const resolution = at - before.checkedAt > minuteWiseMs ? 'hour' : 'minute';
      for (const { start, ms } of splitDuration(before.checkedAt, at, resolution))
        addDuration(minuteOf(tenantId, endpointId, start, at), before.status, ms);
    },
    due(until, limit, isLeftOut = () => false) {
      const due: string[] = [];
      for (const [endpointId, { since }] of waiting) {
        if (since >= until || due.length === limit) break;
        if (!isLeftOut(endpointId)) due.push(endpointId);
      }
      return due;
    },
    has: (endpointId) => waiting.has(endpointId),
    takeOf,
    putBack(deltas, now) {
      for (const { tenantId, endpointId, resolution, bucket } of deltas)
        if (resolution === 'minute') mergeBuckets(minuteOf(tenantId, endpointId, bucket.start, now), bucket);
    },
    shrinkTo(minutes) {
      let lost = 0;
      for (const [endpointId, own] of waiting) {
        for (const [start, bucket] of own.minutes) {
          if (size <= minutes) return lost;
          own.minutes.delete(start);
          size--;
          lost += Object.values(bucket.counts).reduce((sum, count) => sum + count, 0);
        }
        waiting.delete(endpointId);
      }
      return lost;
    },
    clear() {
      waiting.clear();
      size = 0;
    },
  };
}

function coarser(minutes: Iterable<Bucket>, resolution: Resolution): Iterable<Bucket> {
  if (resolution === 'minute') return minutes;
  const sums = new Map<number, Bucket>();
  for (const minute of minutes) {
    const start = startOf(resolution, minute.start);
    const sum = sums.get(start) ?? emptyBucket(start);
    mergeBuckets(sum, minute);
    sums.set(start, sum);
  }
  return sums.values();
}
