import type { Run, RunStatus } from '../runs/run.js';

/** The ended runs of one task that began on one day and came to the same state, summed. Dry runs are not among them. */
export interface RunTally {
  task: string;
  /** The day's beginning in UTC. Epoch ms. */
  day: number;
  status: RunStatus;
  runs: number;
  itemsProcessed: number;
  itemsCleaned: number;
  returnedBytes: number;
  reusableBytes: number;
  estimatedBytes: number;
  /** Of all together, and of the longest. */
  durationMs: number;
  longestMs: number;
}

/** The length of a day of UTC. Ms. */
export const dayMs = 86_400_000;

/** Sums runs up; what stores do that cannot leave it to a database. */
export function tallyOf(runs: readonly Run[]): RunTally[] {
  const tallies = new Map<string, RunTally>();
  for (const { task, status, startedAt, endedAt, dryRun, itemsProcessed, itemsCleaned, space } of runs) {
    if (endedAt === null || dryRun) continue;
    const day = startedAt - (startedAt % dayMs);
    const key = JSON.stringify([task, day, status]);
    const sum = tallies.get(key) ?? { task, day, status, runs: 0, ...none };
    tallies.set(key, sum);
    const durationMs = Math.max(0, endedAt - startedAt);
    sum.runs += 1;
    sum.itemsProcessed += itemsProcessed;
    sum.itemsCleaned += itemsCleaned;
    sum.returnedBytes += space.returnedBytes;
    sum.reusableBytes += space.reusableBytes;
    sum.estimatedBytes += space.estimatedBytes;
    sum.durationMs += durationMs;
    sum.longestMs = Math.max(sum.longestMs, durationMs);
  }
  return [...tallies.values()];
}

const none = {
  ...{ itemsProcessed: 0, itemsCleaned: 0, returnedBytes: 0, reusableBytes: 0, estimatedBytes: 0 },
  ...{ durationMs: 0, longestMs: 0 },
};

/** What tallies come to together. */
export interface Totals {
  runs: number;
  failed: number;
  itemsCleaned: number;
  returnedBytes: number;
  reusableBytes: number;
  estimatedBytes: number;
  /** Null without a run. */
  meanMs: number | null;
  longestMs: number;
}

/** Sums tallies up. */
export function totalOf(tallies: readonly RunTally[]): Totals {
  const sum = (of: (tally: RunTally) => number): number => tallies.reduce((total, it) => total + of(it), 0);
  const runs = sum((it) => it.runs);
  return {
    runs,
    failed: sum((it) => (it.status === 'failed' ? it.runs : 0)),
    itemsCleaned: sum((it) => it.itemsCleaned),
    returnedBytes: sum((it) => it.returnedBytes),
    reusableBytes: sum((it) => it.reusableBytes),
    estimatedBytes: sum((it) => it.estimatedBytes),
    meanMs: runs === 0 ? null : sum((it) => it.durationMs) / runs,
    longestMs: Math.max(0, ...tallies.map((it) => it.longestMs)),
  };
}
