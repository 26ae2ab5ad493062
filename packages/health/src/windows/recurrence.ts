import { isTimeZone, type InputIssue } from '@dotmac/core';
import { RRuleTemporal } from 'rrule-temporal';
import { cronNext } from './cron-next.js';
import { faultOfRule } from './rule-parts.js';
import type { Span } from './span.js';
import type { WindowRecord } from './window.js';

/** What says when a window lasts. */
export type Timing = Pick<WindowRecord, 'startsAt' | 'endsAt' | 'cron' | 'rrule' | 'timeZone' | 'duration'>;

/** The first beginning after an instant; null when there is none. */
type Next = (after: number) => number | null;

/** Beginnings that lie closer than they last make one span; no longer than this is looked ahead. */
const mostJoined = 100;
/** Now, just now, and what an endpoint that is seldom checked looks back to. */
const mostRemembered = 6;
/** Rules that find nothing in so many periods find nothing; as many as a COUNT may be. */
const mostPeriods = 10_000;
/** So far ahead a rule has to be one that can be reckoned. */
const reckonedMs = 10 * 365 * 86_400_000;

/** What is wrong with a timing, in wire names; nothing when it is one. @param now epoch ms */
export function faultsOfTiming(timing: Timing, now: number): InputIssue[] {
  const { startsAt, endsAt, cron, rrule, timeZone, duration } = timing;
  const issues: InputIssue[] = [];
  const miss = (path: string, message: string): void => void issues.push({ path, message });
  if (!isTimeZone(timeZone)) miss('time_zone', 'There is no such time zone');
  if (startsAt !== null && endsAt !== null && endsAt <= startsAt) miss('ends_at', 'The end comes after the beginning');
  if (cron !== null && rrule !== null) miss('rrule', 'Give cron or rrule, not both');
  const recurs = cron !== null || rrule !== null;
  if (recurs && duration === null) miss('duration', 'Say how long it lasts each time');
  if (!recurs && duration !== null) miss('duration', 'This is for windows that recur: give cron or rrule');
  if (!recurs && (startsAt === null || endsAt === null))
    miss('ends_at', 'Give starts_at and ends_at, or cron or rrule');
  if (rrule !== null && startsAt === null) miss('starts_at', 'A rule is counted from here');
  if (issues.length > 0) return issues;
  if (cron !== null && !isCron(cron)) miss('cron', 'Five fields of a cron expression are expected');
  const unfit = rrule === null ? undefined : faultOfRule(rrule);
  if (unfit !== undefined) miss('rrule', unfit);
  if (issues.length > 0) return issues;
  const path = cron === null ? 'rrule' : 'cron';
  const first = nextOf(timing)(startsAt === null ? 0 : startsAt - 1);
  if (first === null) miss(path, 'It is not understood, or never begins');
  else if (!isReckoned(timing, [now, now + reckonedMs]))
    miss(path, 'Within ten years it comes to more periods than are counted: give UNTIL in the place of COUNT');
  return issues;
}

/** The span that lasts at `now`, if any; what overlaps is one. */
export function spanAt(timing: Timing, now: number): Span | undefined {
  const { startsAt, endsAt, duration } = timing;
  if (duration === null) {
    const span = { from: startsAt ?? 0, until: endsAt ?? 0 };
    return span.from <= now && now < span.until ? span : undefined;
  }
  const lastsMs = duration * 1_000;
  const next = nextOf(timing);
  const from = next(now - lastsMs);
  if (from === null || from > now) return undefined;
  let until = from + lastsMs;
  let begins = next(from);
  for (let joined = 0; begins !== null && begins <= until && joined < mostJoined; joined++) {
    until = begins + lastsMs;
    begins = next(begins);
  }
  return { from, until };
}

/** When a window begins next after `now`; null when it does not any more. */
export function nextStart(timing: Timing, now: number): number | null {
  return nextOf(timing)(now);
}

/** A time in which a window lasts throughout, or does not at all. */
export type Period = Span & { lasts: boolean };

/**
 * Tells in which period an instant lies; one in which nothing lasts may have begun earlier. The last few are remembered:
 * reckoning one costs more than all else that is asked of a window, and most instants lie close together.
 */
export function periodsOf(timing: Timing): (at: number) => Period {
  const known: Period[] = [];
  return (at) => {
    const found = known.find(({ from, until }) => from <= at && at < until);
    if (found) return found;
    const span = spanAt(timing, at);
    const period = span
      ? { ...span, lasts: true }
      : { from: at, until: nextStart(timing, at) ?? Infinity, lasts: false };
    known.unshift(period);
    known.length = Math.min(known.length, mostRemembered);
    return period;
  };
}

/** What a timing says; nothing begins where it cannot be reckoned, for nobody else is to suffer from that. */
function nextOf(timing: Timing): Next {
  return (after) => {
    try {
      return reckoner(timing)(after);
    } catch {
      return null;
    }
  };
}

function isReckoned(timing: Timing, instants: readonly number[]): boolean {
  try {
    const next = reckoner(timing);
    for (const at of instants) next(at);
    return true;
  } catch {
    return false;
  }
}

/** @throws what a rule throws that goes on for too many periods */
function reckoner(timing: Timing): Next {
  const { startsAt, endsAt, cron, rrule, timeZone } = timing;
  const within =
    (next: Next): Next =>
    (after) => {
      const found = next(Math.max(after, (startsAt ?? -Infinity) - 1));
      return found === null || (endsAt !== null && found >= endsAt) ? null : found;
    };
  if (cron !== null) return within((after) => cronNext(cron, timeZone, after) ?? null);
  if (rrule !== null) {
    const begin = localTime(startsAt ?? 0, timeZone);
    const rule = new RRuleTemporal({
      rruleString: `DTSTART;TZID=${timeZone}:${begin}\nRRULE:${rrule}`,
      maxIterations: mostPeriods,
    });
    return within((after) => rule.next(new Date(after), false)?.epochMilliseconds ?? null);
  }
  return (after) => (startsAt !== null && startsAt > after ? startsAt : null);
}

/** An instant as the clocks of a time zone show it, as RFC 5545 writes it. */
function localTime(at: number, timeZone: string): string {
  const text = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(at);
  return text.replace(' ', 'T').replace(/[-:]/g, '');
}

function isCron(text: string): boolean {
  return text.trim().split(/\s+/).length === 5;
}
