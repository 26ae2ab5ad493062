/** Free room at a time. */
export interface RoomSample {
  /** Epoch ms. */
  at: number;
  freeBytes: number;
}

/** When there will be none left. */
export interface RoomForecast {
  /** How the free room changes; negative while it shrinks. Null when too little is known. */
  bytesPerDay: number | null;
  /** Epoch ms; null when it does not shrink, or not within ten years. */
  fullAt: number | null;
  samples: number;
  /** How far the samples reach back. Ms. */
  spanMs: number;
}

const [hourMs, dayMs] = [3_600_000, 86_400_000];
const [leastSamples, leastSpanMs, farthestMs] = [5, 6 * hourMs, 3_650 * dayMs];

/**
 * The day when a disk is full, by the median of the slopes between all pairs of samples (Theil and Sen): what a nightly
 * cleanup gives back, or one great file, does not turn it.
 */
export function forecastFull(samples: readonly RoomSample[], now: number): RoomForecast {
  const sorted = samples.toSorted((a, b) => a.at - b.at);
  const [first, last] = [sorted[0], sorted.at(-1)];
  const spanMs = first && last ? last.at - first.at : 0;
  const known = { samples: sorted.length, spanMs };
  if (!last || sorted.length < leastSamples || spanMs < leastSpanMs)
    return { ...known, bytesPerDay: null, fullAt: null };
  const slope = medianSlope(sorted);
  const leftMs = slope < 0 ? last.freeBytes / -slope : Infinity;
  const fullAt = last.at + leftMs;
  return {
    ...known,
    bytesPerDay: Math.round(slope * dayMs),
    fullAt: fullAt - now > farthestMs ? null : Math.round(Math.max(now, fullAt)),
  };
}

/** Bytes per ms. */
function medianSlope(samples: readonly RoomSample[]): number {
  const slopes: number[] = [];
  for (const [place, earlier] of samples.entries())
    for (const later of samples.slice(place + 1))
      if (later.at > earlier.at) slopes.push((later.freeBytes - earlier.freeBytes) / (later.at - earlier.at));
  slopes.sort((a, b) => a - b);
  const middle = slopes.length / 2;
  return ((slopes[Math.floor(middle)] ?? 0) + (slopes[Math.ceil(middle) - 1] ?? 0)) / 2;
}

const [leastSpacingMs, keptMs] = [10 * 60_000, 400 * dayMs];
const spacingShare = 1 / 25;

/** Ten minutes, doubled until it is a fixed share of the age: so that the times between samples lie in each other. */
const spacingAt = (ageMs: number): number =>
  leastSpacingMs * 2 ** Math.max(0, Math.ceil(Math.log2((ageMs * spacingShare) / leastSpacingMs)));

/**
 * The samples that are worth keeping: the first of each ten minutes, and the older, the fewer, so that about two hundred
 * tell of a year. The newest stays always.
 */
export function thin(samples: readonly RoomSample[], now: number): RoomSample[] {
  const sorted = samples.filter(({ at }) => at <= now && now - at <= keptMs).toSorted((a, b) => a.at - b.at);
  const seen = new Set<string>();
  return sorted.filter((sample) => {
    const spacing = spacingAt(now - sample.at);
    const span = `${spacing}:${Math.floor(sample.at / spacing)}`;
    const isFirst = !seen.has(span);
    seen.add(span);
    return isFirst || sample === sorted.at(-1);
  });
}
