import { coreErrors } from '../errors/core-errors.js';

/** What the fields of a cron expression name. Lists are ascending. */
export interface CronFields {
  seconds: readonly number[];
  minutes: readonly number[];
  hours: readonly number[];
  /** From 1. */
  months: ReadonlySet<number>;
  /** Days by their number in the month; null when the field is `*`. */
  monthDays: MonthDays | null;
  /** Days of the week; null when the field is `*`. */
  weekDays: WeekDays | null;
}

/** @see CronFields */
export interface MonthDays {
  days: ReadonlySet<number>;
  /** `L`. */
  last: boolean;
  /** `LW`. */
  lastWorkday: boolean;
  /** `15W`. */
  nearestWorkdays: readonly number[];
}

/** @see CronFields. Sunday is 0. */
export interface WeekDays {
  days: ReadonlySet<number>;
  /** `5L`. */
  last: ReadonlySet<number>;
  /** `1#2`: the weekday, and which of the month. */
  nth: readonly { day: number; nth: number }[];
}

interface Range {
  field: string;
  least: number;
  most: number;
  /** In the order of their numbers, from `least`. */
  names?: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const ranges = {
  second: { field: 'second', least: 0, most: 59 },
  minute: { field: 'minute', least: 0, most: 59 },
  hour: { field: 'hour', least: 0, most: 23 },
  monthDay: { field: 'day of month', least: 1, most: 31 },
  month: { field: 'month', least: 1, most: 12, names: months },
  // 7 is Sunday too, so that `fri-7` can be said.
  weekDay: { field: 'day of week', least: 0, most: 7, names: days },
} satisfies Record<string, Range>;

const longest = 200;

class Misread extends Error {}

/**
 * Reads five fields (minute, hour, day of month, month, day of week), or six with seconds before them: numbers, names,
 * `*`, `?`, lists, ranges, steps; `L`, `LW` and `15W` for days of the month, `5L` and `1#2` for days of the week.
 * @throws INVALID_ARGUMENT saying what is not understood, about `argument`
 */
export function readFields(expression: string, argument = 'cron'): CronFields {
  const parts = expression.length > longest ? [] : expression.trim().toLowerCase().split(/\s+/);
  try {
    if (parts.length !== 5 && parts.length !== 6) throw new Misread('a cron expression has five or six fields');
    const [minute = '', hour = '', monthDay = '', month = '', weekDay = ''] = parts.slice(-5);
    return {
      seconds: parts.length === 6 ? list(parts[0] ?? '', ranges.second) : [0],
      minutes: list(minute, ranges.minute),
      hours: list(hour, ranges.hour),
      monthDays: isAny(monthDay) ? null : monthDaysOf(monthDay),
      months: new Set(list(month, ranges.month)),
      weekDays: isAny(weekDay) ? null : weekDaysOf(weekDay),
    };
  } catch (error) {
    if (error instanceof Misread) throw coreErrors.INVALID_ARGUMENT({ argument, reason: error.message });
    throw error;
  }
}

const isAny = (text: string): boolean => text === '*' || text === '?';

function list(text: string, range: Range): number[] {
  const values = text.split(',').flatMap((part) => valuesOf(part, range));
  return [...new Set(values)].sort((a, b) => a - b);
}

function valuesOf(part: string, range: Range): number[] {
  const { field, least, most } = range;
  const [span = '', step, more] = part.split('/');
  const [first = '', last, another] = span.split('-');
  if (more !== undefined || another !== undefined) throw new Misread(`the ${field} ${part} is not understood`);
  const [from, to] = span === '*' ? [least, most] : [valueOf(first, range), valueOf(last ?? first, range)];
  if (from > to) throw new Misread(`the ${field} ${part} runs backwards`);
  if (step === undefined) return series(from, to, 1);
  if (span !== '*' && last === undefined) throw new Misread(`the ${field} ${part} needs a range before its step`);
  const every = /^\d{1,2}$/.test(step) ? Number(step) : 0;
  if (every < 1 || every > most) throw new Misread(`the ${field} ${part} has no step from 1 to ${most}`);
  return series(from, to, every);
}

function valueOf(text: string, { field, least, most, names = [] }: Range): number {
  const named = names.indexOf(text);
  const value = named >= 0 ? named + least : /^\d{1,2}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw new Misread(`the ${field} ${text} is not one`);
  return value;
}

const series = (from: number, to: number, step: number): number[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);

function monthDaysOf(text: string): MonthDays {
  const parts = text.split(',');
  const isWorkday = (part: string): boolean => /^\d+w$/.test(part);
  const plain = parts.filter((part) => part !== 'l' && part !== 'lw' && !isWorkday(part));
  return {
    days: new Set(plain.flatMap((part) => valuesOf(part, ranges.monthDay))),
    last: parts.includes('l'),
    lastWorkday: parts.includes('lw'),
    nearestWorkdays: parts.filter(isWorkday).map((part) => valueOf(part.slice(0, -1), ranges.monthDay)),
  };
}

function weekDaysOf(text: string): WeekDays {
  const day = (name: string): number => valueOf(name, ranges.weekDay) % 7;
  const parts = text.split(',');
  const isLast = (part: string): boolean => part.length > 1 && part.endsWith('l');
  const plain = parts.filter((part) => !part.includes('#') && !isLast(part));
  return {
    // `*/2` begins at Sunday and knows no eighth day; `fri-sun` goes on to the Sunday after.
    days: new Set(plain.flatMap((part) => weekDayValues(part).map((value) => value % 7))),
    last: new Set(parts.filter(isLast).map((part) => day(part.slice(0, -1)))),
    nth: parts
      .filter((part) => part.includes('#'))
      .map((part) => {
        const [name = '', nth = ''] = part.split('#');
        if (!/^[1-5]$/.test(nth)) throw new Misread(`the day of week ${part} is not the first to fifth of a month`);
        return { day: day(name), nth: Number(nth) };
      }),
  };
}

const weekDayValues = (part: string): number[] =>
  part.startsWith('*')
    ? valuesOf(part, { ...ranges.weekDay, most: 6 })
    : valuesOf(part.replace(/-sun(?=$|\/)/, '-7'), ranges.weekDay);
