import { isDeepStrictEqual } from 'node:util';
import type { WatchTime } from '../store/sharing.js';
import { cronNext } from '../windows/cron-next.js';
import { standingOf, type HeartbeatSettings } from './heartbeat.js';
import type { SeenRecord } from './sight.js';
import type { Sight } from './seen.js';

/** What a job's calls amount to. */
export interface Verdict {
  is: 'well' | 'silent' | 'failed' | 'overran' | 'late';
  message: string;
  /** For how long, if nobody calls; ms of watching. */
  forMs: number;
}

/** When somebody judges: by the wall clock, epoch ms, and by how long endpoints were watched. */
type JudgedAt = WatchTime & { now: number };

/**
 * What is to be said of a job now. It is late when its grace is over in time that was watched. One that failed has failed
 * until it succeeds: to begin again mends nothing. What it was found to be it is until it calls, whatever clocks show.
 */
export function verdictOf(record: SeenRecord, settings: HeartbeatSettings, judged: JudgedAt): Verdict {
  const { succeededAt, exitStatus, found, seen } = record;
  const { isRunning, hasFailed } = standingOf(record);
  const was = found && isDeepStrictEqual(found.by, settings) ? found.is : undefined;
  const lateMs = was === 'late' ? 0 : lateInMs(record, settings, judged);
  const runs = isRunning && seen.start ? seen.start : undefined;
  const overdueMs =
    was === 'overran' ? 0 : runs ? dueInMs(runs, (settings.longest ?? Infinity) * 1_000, judged) : Infinity;
  const ended = (is: Verdict['is'], message: string): Verdict => ({ is, message, forMs: Infinity });
  if (hasFailed) {
    const failure = exitStatus === null ? 'The job failed' : `The job ended with ${exitStatus}`;
    return ended('failed', isRunning ? `${failure}, and runs again` : failure);
  }
  if (overdueMs <= 0) return ended('overran', 'The job runs longer than it may');
  if (lateMs <= 0)
    return ended('late', succeededAt === null ? 'The job never succeeded' : 'The job did not call in time');
  const forMs = Math.min(lateMs, overdueMs);
  if (succeededAt === null) return { is: 'silent', message: 'The job has not succeeded yet', forMs };
  return { is: 'well', message: isRunning ? 'The job runs' : 'The job called in time', forMs };
}

/** What passes until so much was watched since something was seen, ms. */
function dueInMs({ watchedMs }: Sight, periodMs: number, { ms }: JudgedAt): number {
  return watchedMs + periodMs - ms;
}

/** What passes until a job is late, its grace over, ms; 0 or less for one that is. */
export function lateInMs(
  { seen }: SeenRecord,
  { period, cron, zone, grace }: HeartbeatSettings,
  judged: JudgedAt,
): number {
  const dueAfter = (sight: Sight | null): number => {
    if (!sight) return -Infinity;
    if (period !== undefined) return dueInMs(sight, period * 1_000, judged);
    const slot = cronNext(cron ?? '', zone, sight.at) ?? Infinity;
    // A clock that was set back has its hours again, and the job that begins by them does so then.
    return Math.max(dueInMs(sight, slot - sight.at, judged), slot - judged.now);
  };
  const due = Math.max(dueAfter(seen.registration), dueAfter(seen.success));
  const sinceMs = judged.sinceMs - judged.ms;
  const graceMs = grace * 1_000;
  // What it told within its grace may have been lost, if nobody watched then: it has another from the time that somebody does.
  return (due < sinceMs && due + graceMs > sinceMs ? sinceMs : due) + graceMs;
}
