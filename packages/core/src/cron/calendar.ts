import type { CronFields, MonthDays, WeekDays } from './fields.js';

const dayMs = 86_400_000;
/** The fifth Monday of a February comes after at most 40 years; what does not come in 50 never does. */
const farthestDays = 50 * 366;

/**
 * The first wall time at or after `from` that the fields name, on a calendar without time zones; null when none comes.
 * Wall times are written as the epoch milliseconds at which UTC shows them.
 */
export function nextWall(fields: CronFields, from: number): number | null {
  let day = Math.floor(from / dayMs) * dayMs;
  let second = Math.ceil((from - day) / 1_000);
  const end = day + farthestDays * dayMs;
  while (day < end) {
    const date = new Date(day);
    if (!fields.months.has(date.getUTCMonth() + 1)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    } else {
      const found = isOnDay(fields, date) ? nextTime(fields, second) : undefined;
      if (found !== undefined) return day + found * 1_000;
      day += dayMs;
    }
    second = 0;
  }
  return null;
}

/** The first time of day, in seconds, that is not before `second`. */
function nextTime({ hours, minutes, seconds }: CronFields, second: number): number | undefined {
  for (const hour of hours) {
    if ((hour + 1) * 3_600 <= second) continue;
    for (const minute of minutes) {
      const at = hour * 3_600 + minute * 60;
      if (at + 60 <= second) continue;
      for (const within of seconds) if (at + within >= second) return at + within;
    }
  }
  return undefined;
}

/** Where both day fields are restricted, a day that either names is meant: crontab(5). */
function isOnDay({ monthDays, weekDays }: CronFields, date: Date): boolean {
  if (!monthDays) return !weekDays || isOnWeekDay(weekDays, date);
  return isOnMonthDay(monthDays, date) || (weekDays !== null && isOnWeekDay(weekDays, date));
}

function isOnMonthDay({ days, last, lastWorkday, nearestWorkdays }: MonthDays, date: Date): boolean {
  const day = date.getUTCDate();
  if (days.has(day)) return true;
  const length = lengthOfMonth(date);
  if (last && day === length) return true;
  if (lastWorkday && day === nearestWorkday(date, length, length)) return true;
  return nearestWorkdays.some((wanted) => wanted <= length && day === nearestWorkday(date, wanted, length));
}

function isOnWeekDay({ days, last, nth }: WeekDays, date: Date): boolean {
  const [weekDay, day] = [date.getUTCDay(), date.getUTCDate()];
  if (days.has(weekDay)) return true;
  if (last.has(weekDay) && day + 7 > lengthOfMonth(date)) return true;
  return nth.some((it) => it.day === weekDay && it.nth === Math.ceil(day / 7));
}

const lengthOfMonth = (date: Date): number =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();

/** The Monday to Friday that is nearest to a day of the month, in the same month. */
function nearestWorkday(date: Date, wanted: number, length: number): number {
  const weekDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), wanted)).getUTCDay();
  if (weekDay === 6) return wanted === 1 ? 3 : wanted - 1;
  if (weekDay === 0) return wanted === length ? length - 2 : wanted + 1;
  return wanted;
}
