import { cronNext } from '../windows/cron-next.js';
import type { SetSince } from './datings.js';
import { standingOf, type HeartbeatRecord, type HeartbeatSettings } from './heartbeat.js';

/** What a job's calls amount to. */
export interface Verdict {
  is: 'well' | 'silent' | 'failed' | 'overran' | 'late';
  message: string;
  /** Until then, if nobody calls; epoch ms. */
  until: number;
}

/**
 * What is to be said of a job now. It is late when its grace is over; the time before `upSince`, when nobody could have
 * called, is not held against it, and neither is what the clock was set by. One that failed has failed until it succeeds:
 * to begin again mends nothing.
 * @param registeredAt what a job that never called is counted from, epoch ms
 */
export function verdictOf(
  record: HeartbeatRecord,
  settings: HeartbeatSettings,
  { registeredAt, upSince, now }: { registeredAt: number; upSince: number; now: number },
  setSince: SetSince = () => 0,
): Verdict {
  const { startedAt, succeededAt, exitStatus } = record;
  const { isRunning, hasFailed } = standingOf(record);
  const lateAt = expectedBy(record, settings, { registeredAt, upSince }, setSince);
  const begunAt = isRunning && startedAt !== null ? startedAt + setSince(startedAt) : Infinity;
  const overdueAt = begunAt + (settings.longest ?? Infinity) * 1_000;
  const ended = (is: Verdict['is'], message: string): Verdict => ({ is, message, until: Infinity });
  if (hasFailed) {
    const failure = exitStatus === null ? 'The job failed' : `The job ended with ${exitStatus}`;
    return ended('failed', isRunning ? `${failure}, and runs again` : failure);
  }
  if (now >= overdueAt) return ended('overran', 'The job runs longer than it may');
  if (now >= lateAt)
    return ended('late', succeededAt === null ? 'The job never succeeded' : 'The job did not call in time');
  const until = Math.min(lateAt, overdueAt);
  if (succeededAt === null) return { is: 'silent', message: 'The job has not succeeded yet', until };
  return { is: 'well', message: isRunning ? 'The job runs' : 'The job called in time', until };
}

/** When a job is late, its grace over; epoch ms. */
export function expectedBy(
  { succeededAt }: HeartbeatRecord,
  { period, cron, zone, grace }: HeartbeatSettings,
  { registeredAt, upSince }: { registeredAt: number; upSince: number },
  setSince: SetSince = () => 0,
): number {
  const dueAfter = (at: number): number => {
    if (period !== undefined) return at + setSince(at) + period * 1_000;
    // A clock that was set back has its hours again, and the job that begins by them does so then.
    return (cronNext(cron ?? '', zone, at) ?? Infinity) + Math.max(0, setSince(at));
  };
  const due = Math.max(dueAfter(registeredAt), succeededAt === null ? -Infinity : dueAfter(succeededAt));
  return Math.max(due, upSince) + grace * 1_000;
}
