import { megabytes } from '../tasks/parameters.js';
import type { TaskTrend } from './schemas.js';
import { dayMs, totalOf, type RunTally } from './tally.js';

const seconds = (ms: number): number => Math.round(ms) / 1_000;

/** How each task fared day by day, from the day that `from` is in to the one before `to`; days without a run are there, too. */
export function trendsOf(tallies: readonly RunTally[], { from, to }: { from: number; to: number }): TaskTrend[] {
  const tasks = [...new Set(tallies.map(({ task }) => task))].sort();
  return tasks.map((task) => {
    const own = tallies.filter((it) => it.task === task);
    const days: TaskTrend['days'] = [];
    for (let day = from - (from % dayMs); day < to; day += dayMs) {
      const total = totalOf(own.filter((it) => it.day === day));
      days.push({
        day,
        runs: total.runs,
        failed: total.failed,
        failureShare: total.runs === 0 ? null : total.failed / total.runs,
        itemsCleaned: total.itemsCleaned,
        spaceFreedMb: megabytes(total.returnedBytes),
        meanSeconds: total.meanMs === null ? null : seconds(total.meanMs),
        longestSeconds: seconds(total.longestMs),
      });
    }
    return { task, days };
  });
}
