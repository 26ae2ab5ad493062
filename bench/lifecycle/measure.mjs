// Running work with a fixed number at once, and what came of it.

/** How many do transitions at once, and how many connections to PostgreSQL everybody has, DBOS as well. */
export const lanes = 16;
export const poolSize = 20;

/** `work(index)` for every index below `count`, `atOnce` at a time. Rate per second, and the latencies in ms, sorted. */
export async function atOnce(count, concurrency, work) {
  const times = [];
  let next = 0;
  const startedAt = performance.now();
  const lane = async () => {
    while (next < count) {
      const index = next++;
      const before = performance.now();
      await work(index);
      times.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  const seconds = (performance.now() - startedAt) / 1_000;
  return { perSecond: count / seconds, times: times.sort((a, b) => a - b) };
}

/** `work(index)` begun every `1/perSecond`, whatever became of the ones before: latencies as a client sees them. */
export async function offered(perSecond, seconds, work) {
  const times = [];
  const under = [];
  const startedAt = performance.now();
  for (let index = 0; index < perSecond * seconds; index++) {
    const due = startedAt + (index * 1_000) / perSecond;
    const early = due - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    // Counted from when it should have begun: a stall counts for all that it held up.
    under.push(Promise.resolve(work(index)).then(() => times.push(performance.now() - due)));
  }
  await Promise.all(under);
  return times.sort((a, b) => a - b);
}

export const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
