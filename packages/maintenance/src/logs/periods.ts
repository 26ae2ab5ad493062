/** How often logs are rotated by the calendar. Weeks begin on Monday. */
export type Period = 'hour' | 'day' | 'week' | 'month' | 'year';

/** What a clock on the wall of a time zone shows. */
export interface WallTime {
  year: number;
  /** 1 to 12. */
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError when there is no such time zone */
export function wallTime(at: number, timeZone: string): WallTime {
  let format = formats.get(timeZone);
  if (!format) {
    const numeric = 'numeric' as const;
    const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric };
    format = new Intl.DateTimeFormat('en-US', { ...fields, timeZone, hourCycle: 'h23', calendar: 'gregory' });
    formats.set(timeZone, format);
  }
  const shown = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const of = (type: keyof WallTime): number => shown.get(type) ?? 0;
  return {
    year: of('year'),
    month: of('month'),
    day: of('day'),
    hour: of('hour'),
    minute: of('minute'),
    second: of('second'),
  };
}

/** The same for all instants of one period, and for no others; an hour that a clock repeats counts once. */
export function periodOf(period: Period, at: number, timeZone: string): string {
  const { year, month, day, hour } = wallTime(at, timeZone);
  const days = Date.UTC(year, month - 1, day) / 86_400_000;
  const spelled = {
    hour: () => `${days}-${hour}`,
    day: () => `${days}`,
    // The day 0 was a Thursday.
    week: () => `${Math.floor((days + 3) / 7)}`,
    month: () => `${year}-${month}`,
    year: () => `${year}`,
  };
  return spelled[period]();
}
