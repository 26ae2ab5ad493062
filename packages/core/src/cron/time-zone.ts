import { coreErrors } from '../errors/core-errors.js';

/**
 * What the clocks of a place show. Wall times are written as the epoch milliseconds at which UTC shows them, so that
 * they can be reckoned with.
 */
export interface TimeZone {
  /** How far its clocks are ahead of UTC at an instant. Ms. */
  offset(at: number): number;
  /**
   * When its clocks show a wall time: the first time, where they show it twice; the first instant after it, where they
   * leave it out.
   */
  instantOf(wall: number): number;
  /** The first instant after `from` and until `to`, at which the offset is another; null when it stays. */
  nextChange(from: number, to: number): number | null;
}

/** No place has changed its clocks twice within so long, since 1970: the least was a week, in Brazil. */
const steadyMs = 5 * 86_400_000;
/** Offsets kept of a zone: those of half a century. */
const mostKept = 3_700;
/** More than any offset, and any change of one. */
const apartMs = 36 * 3_600_000;

/** Formats are dear, and their number is that of the time zones there are. */
const known = new Map<string, TimeZone>();

/** Whether there is a time zone of this name. */
export function isTimeZone(name: string): boolean {
  try {
    timeZoneOf(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * The time zone of an IANA name, as this Node.js knows it.
 * @throws INVALID_ARGUMENT about `argument` when there is none
 */
export function timeZoneOf(name: string, argument = 'timeZone'): TimeZone {
  // Intl takes a name in any case: so many keys would be one zone.
  const key = name.toLowerCase();
  const kept = known.get(key);
  if (kept) return kept;
  let format: Intl.DateTimeFormat;
  try {
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
    const times = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, calendar: 'gregory', ...fields, ...times });
  } catch (error) {
    throw coreErrors.INVALID_ARGUMENT({ argument, reason: 'there is no such time zone' }, { cause: error });
  }
  const asked = (at: number): number => wallOf(format, at) - Math.floor(at / 1_000) * 1_000;
  const zone = makeZone(key === 'utc' ? () => 0 : atTimes(asked));
  known.set(key, zone);
  return zone;
}

/** Asks Intl, which is slow, at regular times alone: where two of them are alike, so is all between. */
function atTimes(asked: TimeZone['offset']): TimeZone['offset'] {
  const kept = new Map<number, number>();
  const offsetOf = (index: number): number => {
    const found = kept.get(index);
    if (found !== undefined) return found;
    if (kept.size >= mostKept) kept.clear();
    const offset = asked(index * steadyMs);
    kept.set(index, offset);
    return offset;
  };
  return (at) => {
    const index = Math.floor(at / steadyMs);
    const offset = offsetOf(index);
    return offset === offsetOf(index + 1) ? offset : asked(at);
  };
}

function wallOf(format: Intl.DateTimeFormat, at: number): number {
  const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of format.formatToParts(at)) shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function makeZone(offset: TimeZone['offset']): TimeZone {
  const nextChange = (from: number, to: number): number | null => {
    const was = offset(from);
    for (let low = from; low < to; low += steadyMs) {
      const high = Math.min(low + steadyMs, to);
      if (offset(high) !== was) return firstOther(offset, was, low, high);
    }
    return null;
  };
  return {
    offset,
    nextChange,
    instantOf(wall) {
      const offsets = [offset(wall - apartMs), offset(wall + apartMs)] as const;
      const early = wall - Math.max(...offsets);
      const late = wall - Math.min(...offsets);
      if (early + offset(early) === wall) return early;
      if (late + offset(late) === wall) return late;
      return nextChange(early, late) ?? late;
    },
  };
}

/** Bisects to the second: no clock is changed within one. */
function firstOther(offset: TimeZone['offset'], was: number, from: number, to: number): number {
  let [same, other] = [Math.floor(from / 1_000), Math.ceil(to / 1_000)];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offset(middle * 1_000) === was) same = middle;
    else other = middle;
  }
  return other * 1_000;
}
