import type { Run } from '../runs/run.js';
import { megabytes } from '../tasks/parameters.js';
import type { Digest } from './schemas.js';
import { totalOf, type RunTally, type Totals } from './tally.js';

/** What a digest is made of. */
export interface DigestParts {
  from: number;
  to: number;
  /** Of the period, and of the equally long one before it. */
  tallies: readonly RunTally[];
  before: readonly RunTally[];
  /** Runs of the period that failed or wait for somebody, and that no other goes on from; the newest first. */
  attention: readonly Run[];
}

const figures = ({ runs, failed, itemsCleaned, returnedBytes, reusableBytes, estimatedBytes }: Totals) => ({
  ...{ runs, failed, itemsCleaned },
  spaceFreedMb: megabytes(returnedBytes),
  spaceReusableMb: megabytes(reusableBytes),
  spaceEstimatedMb: megabytes(estimatedBytes),
});

/** What happened in a period, task by task, and what somebody should look at. */
export function digestOf({ from, to, tallies, before, attention }: DigestParts): Digest {
  const of = (all: readonly RunTally[], task: string): Totals => totalOf(all.filter((it) => it.task === task));
  // A task that ran before and does not any more is the one to ask about.
  const tasks = [...new Set([...tallies, ...before].map(({ task }) => task))].sort();
  return {
    ...{ from, to },
    ...figures(totalOf(tallies)),
    tasks: tasks.map((task) => {
      const [now, then] = [of(tallies, task), of(before, task)];
      return {
        task,
        ...figures(now),
        runsBefore: then.runs,
        itemsCleanedBefore: then.itemsCleaned,
        meanSeconds: now.meanMs === null ? null : Math.round(now.meanMs) / 1_000,
        longestSeconds: now.longestMs / 1_000,
      };
    }),
    attention: attention.map(({ id, task, status, startedAt, errorCode, errorMessage }) => ({
      ...{ taskId: id, taskName: task, status, startTime: startedAt },
      ...{ code: errorCode, errorMessage },
    })),
  };
}

/** A digest in a line: the subject of a mail. */
export function headlineOf({ runs, failed, attention }: Digest): string {
  const waiting = attention.filter(({ status }) => status === 'needs_confirmation').length;
  const waits = waiting === 0 ? '' : `, ${waiting} to be confirmed`;
  if (runs === 0) return 'Maintenance: nothing ran';
  if (failed > 0) return `Maintenance: ${failed} of ${runs} runs failed${waits}`;
  return `Maintenance: ${runs} ${runs === 1 ? 'run' : 'runs'}, none failed${waits}`;
}
