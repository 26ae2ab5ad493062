import type { Kysely } from 'kysely';
import type { Clock } from '@dotmac/core';
import type { BatchPace, BesideOthers, RowDialect } from './dialect.js';
import type { TableName } from './selection.js';

/** Whoever was seen to write twice within such a time is taken to write on for as long again. */
const spanMs = 1_000;
/** So long whoever is there is looked for at first. */
const firstMs = 250;

/** Rests, and sees meanwhile who else writes. */
export interface Company {
  /** Of the next batch. */
  readonly pace: BatchPace;
  /** Resolves after so long; rejects when the signal aborts. */
  rest(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Tells by what is written while this work rests, or since its last rest where its own is not counted, whether others write:
 * what they wait for is the log, the disk and the cores, and nobody waits where nobody is. They are taken to be there at first,
 * until a quarter of a second went by without them, and always where the database does not tell. What is written once in a
 * while (a lease that is renewed) is nobody.
 */
export function besideOthers(
  { pace, besideOthers: others }: Pick<RowDialect, 'pace' | 'besideOthers'>,
  db: Kysely<unknown>,
  clock: Clock,
  table: TableName,
): Company {
  if (!others) return atPace(pace, clock);
  const considerate = { ...pace, ...others.pace };
  let last: string | undefined;
  let seenAt = -Infinity;
  let thereUntil = clock.monotonic() + firstMs;
  const written = reading(others, db, table);
  return {
    get pace() {
      return clock.monotonic() < thereUntil ? considerate : pace;
    },
    async rest(ms, signal) {
      const before = (others.leavesOutOwn && last) || (await written());
      await clock.sleep(ms, signal);
      last = await written();
      if (before !== undefined && last === before) return;
      const now = clock.monotonic();
      if (before === undefined || now - seenAt <= spanMs) thereUntil = now + spanMs;
      seenAt = now;
    },
  };
}

/** One pace, whoever is there. */
export const atPace = (pace: BatchPace, clock: Clock): Company => ({
  pace,
  rest: (ms, signal) => clock.sleep(ms, signal),
});

/** Undefined where the database does not tell: a managed one may forbid the question. It is not asked again. */
function reading({ written }: BesideOthers, db: Kysely<unknown>, table: TableName): () => Promise<string | undefined> {
  let isTold = true;
  return async () => {
    if (!isTold) return undefined;
    return written(db, table).catch(() => {
      isTold = false;
      return undefined;
    });
  };
}
