/** The calendar's units that backups are counted by. */
export type CalendarUnit = 'hour' | 'day' | 'week' | 'month' | 'year';

/** Says which hour, day, week (ISO: Monday to Sunday), month or year an instant is in. Equal for equal ones alone. */
export type CalendarOf = (unit: CalendarUnit, at: number) => string;

const dayMs = 86_400_000;

/** The Thursday of its week says which year a week belongs to. */
function isoWeek(year: number, month: number, day: number): string {
  const date = Date.UTC(year, month - 1, day);
  const thursday = date + (3 - ((new Date(date).getUTCDay() + 6) % 7)) * dayMs;
  const weekYear = new Date(thursday).getUTCFullYear();
  return `${weekYear}-W${1 + Math.floor((thursday - Date.UTC(weekYear, 0, 1)) / (7 * dayMs))}`;
}

/**
 * The calendar of a time zone. When clocks go back, the hour that comes twice is one hour.
 * @throws RangeError for a zone that the runtime does not know
 */
export function calendarIn(timeZone: string): CalendarOf {
  const format = new Intl.DateTimeFormat('en-US-u-ca-iso8601', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
  });
  return (unit, at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 0, day = 0, hour = 0 } = parts;
    if (unit === 'week') return isoWeek(year, month, day);
    const fields = { year: [year], month: [year, month], day: [year, month, day], hour: [year, month, day, hour] };
    return fields[unit].join('-');
  };
}

/** A span such as `2y5m7d3h`: years, months, days and hours, in this order; at least one. */
export interface Span {
  years: number;
  months: number;
  days: number;
  hours: number;
}

/** Reads a span; null when it is none, or empty. */
export function readSpan(text: string): Span | null {
  const read = /^(?:(\d{1,4})y)?(?:(\d{1,5})m)?(?:(\d{1,6})d)?(?:(\d{1,7})h)?$/.exec(text);
  if (!read) return null;
  const [years = 0, months = 0, days = 0, hours = 0] = read.slice(1).map((it) => Number(it ?? 0));
  return years + months + days + hours === 0 ? null : { years, months, days, hours };
}

/** The instant a span before `at`, counted in UTC; the 31st becomes the last day of a shorter month. */
export function before(at: number, { years, months, days, hours }: Span): number {
  const from = new Date(at);
  const monthIndex = from.getUTCFullYear() * 12 + from.getUTCMonth() - years * 12 - months;
  const [year, month] = [Math.floor(monthIndex / 12), ((monthIndex % 12) + 12) % 12];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const timeOfDay = ((at % dayMs) + dayMs) % dayMs;
  return Date.UTC(year, month, Math.min(from.getUTCDate(), lastDay)) + timeOfDay - days * dayMs - hours * 3_600_000;
}
