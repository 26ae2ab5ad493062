import { nextWall } from './calendar.js';
import { readFields, type CronFields } from './fields.js';
import { timeZoneOf, type TimeZone } from './time-zone.js';

/** When a cron expression comes due. */
export interface Cron {
  /** The first slot after `after` (epoch ms); null when none comes within 50 years. */
  next(after: number): number | null;
}

/** Options of {@link readCron}. */
export interface CronOptions {
  /** An IANA name. Default `UTC`. */
  timeZone?: string;
  /** What faults are said of. Default `cron`. */
  argument?: string;
}

/**
 * Reads a cron expression of five fields, or of six with seconds first; see {@link readFields}.
 *
 * Where clocks are changed, one rule holds. An expression that names all 24 hours follows real time: it comes due
 * whenever the clocks show what it says, so not in what they leave out, and again in what they show twice. Any other
 * comes due once for each wall time: in what is left out, at the first instant after it (several there make one);
 * in what is shown twice, the first time.
 * @throws INVALID_ARGUMENT when the expression or the time zone is not understood
 */
export function readCron(expression: string, { timeZone = 'UTC', argument = 'cron' }: CronOptions = {}): Cron {
  const fields = readFields(expression, argument);
  const zone = timeZoneOf(timeZone, argument);
  const next = fields.hours.length === 24 ? nextReal : nextNamed;
  return { next: (after) => next(fields, zone, Math.floor(after / 1_000) * 1_000) };
}

/** Goes from one change of the clocks to the next: between them, wall time is real time and an offset. */
function nextReal(fields: CronFields, zone: TimeZone, after: number): number | null {
  for (let from = after + 1_000; ;) {
    const offset = zone.offset(from);
    const wall = nextWall(fields, from + offset);
    if (wall === null) return null;
    const change = zone.nextChange(from, wall - offset);
    if (change === null) return wall - offset;
    from = change;
  }
}

function nextNamed(fields: CronFields, zone: TimeZone, after: number): number | null {
  for (let from = after + zone.offset(after) + 1_000; ;) {
    const wall = nextWall(fields, from);
    if (wall === null) return null;
    const at = zone.instantOf(wall);
    if (at > after) return at;
    // The clocks show it again, and it has been: on to what they have not shown yet.
    from = (zone.nextChange(at, after) ?? after + 1_000) + zone.offset(at);
  }
}
