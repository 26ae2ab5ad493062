/** A batch should take this long: shorter ones waste round trips, longer ones hold others up. */
export const targetBatchMs = { least: 100, most: 250 };

/** Rows of a batch, at the least and at the most. */
export const batchBounds = { least: 50, most: 20_000 };

/**
 * The size of the next batch, from how long the last one took: at most doubled, at most quartered, unchanged within
 * the target.
 */
export function nextBatchSize(size: number, tookMs: number): number {
  const { least, most } = targetBatchMs;
  const wanted =
    tookMs < least ? size * Math.min(2, least / Math.max(tookMs, 1)) : tookMs > most ? size * Math.max(0.25, most / tookMs) : size;
  return Math.max(batchBounds.least, Math.min(batchBounds.most, Math.floor(wanted)));
}
