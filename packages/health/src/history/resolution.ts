import { coreErrors } from '@dotmac/core';
/** How long a bucket is. */
export type Resolution = 'minute' | 'hour' | 'day';

/** From fine to coarse. */
export const resolutions: readonly Resolution[] = ['minute', 'hour', 'day'];

/** How long buckets are, in ms. Their starts lie in UTC. */
export const bucketMs: Record<Resolution, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** How long buckets are kept, in ms. */
export type Retention = Record<Resolution, number>;

const day = 86_400_000;

/** Minutes for three days, hours for five weeks, days for 400 days and the one that a window begins in. */
export const defaultRetention: Retention = { minute: 3 * day, hour: 35 * day, day: 401 * day };

/** The start of the bucket that an instant is in. */
export function startOf(resolution: Resolution, at: number): number {
  return Math.floor(at / bucketMs[resolution]) * bucketMs[resolution];
}

/** The parts of a span of time by the buckets that they are in; nothing when it ends before it begins. */
export function* splitDuration(
  from: number,
  until: number,
  resolution: Resolution,
): Generator<{ start: number; ms: number }> {
  for (let at = from; at < until;) {
    const start = startOf(resolution, at);
    const end = Math.min(until, start + bucketMs[resolution]);
    yield { start, ms: end - at };
    at = end;
  }
}

/** A span that is read at one resolution: the buckets that begin from `from` on and before `until`. */
export interface Span {
  resolution: Resolution;
  from: number;
  until: number;
}

/**
 * How a window is read so that each instant counts once and few buckets are read: whole days, at their edges whole
 * hours, and at the edges of these minutes. Where the finer buckets are not kept any more, the coarser one counts
 * whole: the window then begins a little earlier, or ends a little later. Nothing coarser than `coarsest` is read
 * unless it must be.
 */
export function planWindow(
  { from, until, now, coarsest = 'day' }: { from: number; until: number; now: number; coarsest?: Resolution },
  retention: Retention,
): Span[] {
  const oldest = (resolution: Resolution): number =>
    startOf(resolution, now - retention[resolution]) + bucketMs[resolution];
  const finestKept = (at: number): Resolution => resolutions.find((resolution) => at >= oldest(resolution)) ?? 'day';
  const finest = finestKept(from);
  const fine = resolutions.indexOf(finest);
  return spans(startOf(finest, from), until, Math.max(fine, resolutions.indexOf(coarsest)), fine).filter(
    (span) => span.from < span.until,
  );

  function spans(begin: number, end: number, coarse: number, finer: number): Span[] {
    const resolution = resolutions[coarse] as Resolution;
    const isFinest = coarse <= finer;
    const firstWhole = isFinest ? begin : startOf(resolution, begin + bucketMs[resolution] - 1);
    const lastWhole = startOf(resolution, end);
    if (!isFinest && firstWhole >= lastWhole) return spans(begin, end, coarse - 1, finer);
    // What has not ended yet is no more than was asked for.
    const behind = isFinest && end > now ? coarse : resolutions.indexOf(finestKept(lastWhole));
    return [
      ...(isFinest ? [] : spans(begin, firstWhole, coarse - 1, finer)),
      { resolution, from: firstWhole, until: behind < coarse ? lastWhole : end },
      ...(behind < coarse ? spans(lastWhole, end, coarse - 1, behind) : []),
    ];
  }
}

/** What the spans of a plan come to, for there are only whole buckets; `until` not after what comes next. */
export function readBy(spans: readonly Span[], next: number): { from: number; until: number } {
  const [first, last] = [spans[0], spans.at(-1)];
  if (!first || !last) return { from: next, until: next };
  const end = startOf(last.resolution, last.until - 1) + bucketMs[last.resolution];
  return { from: first.from, until: Math.min(end, next) };
}

/**
 * How long sums are kept, days given by the host.
 * @throws INVALID_ARGUMENT unless finer sums are kept no longer than coarser ones, and minutes for a day
 */
export function retentionOf(days: Partial<Record<Resolution, number>> = {}): Retention {
  const given = Object.entries(days).map(([resolution, count]) => [resolution, (count ?? 0) * 86_400_000]);
  const retention = { ...defaultRetention, ...(Object.fromEntries(given) as Partial<Retention>) };
  const { minute, hour, day } = retention;
  if (!(minute >= 86_400_000 && minute <= hour && hour <= day))
    throw coreErrors.INVALID_ARGUMENT({
      argument: 'retentionDays',
      reason: 'minutes are kept at least a day, hours at least as long as minutes, and days as long as hours',
    });
  return retention;
}
