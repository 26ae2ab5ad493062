import fc from 'fast-check';

export const minute = 60_000;
export const day = 86_400_000;

/** Twelve places whose clocks are changed in twelve ways: by half an hour, two hours or a day; at midnight; no more; never. */
export const zones = [
  'America/New_York',
  'America/Havana',
  'America/Santiago',
  'America/Sao_Paulo',
  'Europe/Berlin',
  'Africa/Casablanca',
  'Asia/Tehran',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Apia',
  'Antarctica/Troll',
] as const;
/** Ten years. */
export const [firstYear, lastYear] = [Date.UTC(2016, 0, 1), Date.UTC(2026, 0, 1)];

interface Field {
  text: string;
  matches(wall: Date): boolean;
}
/** An expression, and what is meant by it, said a second time. */
export interface Spoken {
  text: string;
  matches(wall: Date): boolean;
  /** The day is named, whatever the time. */
  onDay(wall: Date): boolean;
  /** All 24 hours are named. */
  everyHour: boolean;
  seconds: readonly number[];
}

function field(least: number, most: number, value: (wall: Date) => number, whole = most): fc.Arbitrary<Field> {
  const number = fc.integer({ min: least, max: most });
  const range = (from: number, to: number, step = 1): number[] =>
    Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
  const named = (text: string, values: number[]): Field => ({ text, matches: (wall) => values.includes(value(wall)) });
  return fc.oneof(
    fc.constant(named('*', range(least, whole))),
    number.map((it) => named(String(it), [it])),
    fc.tuple(number, number).map(([a, b]) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      return named(`${from}-${to}`, range(from, to));
    }),
    fc.integer({ min: 2, max: most }).map((step) => named(`*/${step}`, range(least, whole, step))),
    fc.uniqueArray(number, { minLength: 1, maxLength: 3 }).map((values) => named(values.join(','), values)),
  );
}

const lastDay = (wall: Date): number =>
  new Date(Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth() + 1, 0)).getUTCDate();
const weekDayOf = (wall: Date, of: number): number =>
  new Date(Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth(), of)).getUTCDay();
const isWorkday = (wall: Date, of: number): boolean => ![0, 6].includes(weekDayOf(wall, of));
/** The working day of the month that is nearest; of two, the one before. */
function nearest(wall: Date, wanted: number): number {
  for (const apart of [0, -1, 1, -2, 2]) {
    const of = wanted + apart;
    if (of >= 1 && of <= lastDay(wall) && isWorkday(wall, of)) return of;
  }
  return 0;
}

const lastOfMonth: Field = { text: 'L', matches: (wall) => wall.getUTCDate() === lastDay(wall) };
const lastWorkday: Field = {
  text: 'LW',
  matches: (wall) => {
    let of = lastDay(wall);
    while (!isWorkday(wall, of)) of -= 1;
    return wall.getUTCDate() === of;
  },
};
const workdayNear = (it: number): Field => ({
  text: `${it}W`,
  matches: (wall) => it <= lastDay(wall) && wall.getUTCDate() === nearest(wall, it),
});
const nthWeekDay = (of: number, nth: number): Field => ({
  text: `${of}#${nth}`,
  matches: (wall) => wall.getUTCDay() === of && wall.getUTCDate() > (nth - 1) * 7 && wall.getUTCDate() <= nth * 7,
});
const lastWeekDay = (of: number): Field => ({
  text: `${of}L`,
  matches: (wall) => wall.getUTCDay() === of && wall.getUTCDate() > lastDay(wall) - 7,
});

/** Days of the month, and of the week, that the calendar has to be asked about: L, W and #. */
const oddMonthDays = [lastOfMonth, lastWorkday, ...Array.from({ length: 31 }, (_, index) => workdayNear(index + 1))];
const oddWeekDays = Array.from({ length: 7 }, (_, of) => [
  lastWeekDay(of),
  ...[1, 2, 3, 4, 5].map((nth) => nthWeekDay(of, nth)),
]).flat();
const oddMonthDay = fc.oneof(
  fc.constantFrom(lastOfMonth, lastWorkday),
  fc.integer({ min: 1, max: 31 }).map(workdayNear),
);
const oddWeekDay = fc.constantFrom(...oddWeekDays);
const monthDay: fc.Arbitrary<Field> = fc.oneof(
  { weight: 4, arbitrary: field(1, 28, (wall) => wall.getUTCDate(), 31) },
  { weight: 3, arbitrary: oddMonthDay },
);
const weekDay: fc.Arbitrary<Field> = fc.oneof(
  { weight: 4, arbitrary: field(0, 6, (wall) => wall.getUTCDay()) },
  { weight: 2, arbitrary: oddWeekDay },
);
const seconds = fc.constantFrom<{ text: string; values: number[] }>(
  { text: '', values: [0] },
  { text: '', values: [0] },
  { text: '*/20 ', values: [0, 20, 40] },
  { text: '59 ', values: [59] },
);
const hours = field(0, 23, (wall) => wall.getUTCHours());
/** Hours at which clocks are changed. */
const nightHours = fc.constantFrom('0', '1', '2', '3', '0-3', '1-2', '2,3', '*').map<Field>((text) => ({
  text,
  matches: (wall) =>
    text === '*' ||
    text.split(',').some((part) => {
      const [from = 0, to = from] = part.split('-').map(Number);
      return wall.getUTCHours() >= from && wall.getUTCHours() <= to;
    }),
}));

function expressions(hour: fc.Arbitrary<Field>, onDays: fc.Arbitrary<[Field, Field, Field]>): fc.Arbitrary<Spoken> {
  return fc.record({ seconds, minutes: field(0, 59, (wall) => wall.getUTCMinutes()), hour, days: onDays }).map((it) => {
    const [onMonthDay, month, onWeekDay] = it.days;
    const any = onMonthDay.text === '*' || onWeekDay.text === '*';
    const onDay = (wall: Date): boolean => {
      const [a, b] = [onMonthDay.matches(wall), onWeekDay.matches(wall)];
      return month.matches(wall) && (any ? a && b : a || b);
    };
    return {
      text: `${it.seconds.text}${it.minutes.text} ${it.hour.text} ${onMonthDay.text} ${month.text} ${onWeekDay.text}`,
      everyHour: Array.from({ length: 24 }, (_, at) => at).every((at) =>
        it.hour.matches(new Date(Date.UTC(2026, 0, 1, at))),
      ),
      seconds: it.seconds.values,
      onDay,
      matches: (wall) => it.minutes.matches(wall) && it.hour.matches(wall) && onDay(wall),
    };
  });
}

/** Expressions of all kinds. */
export const anyExpression = expressions(
  hours,
  fc.tuple(
    monthDay,
    field(1, 12, (wall) => wall.getUTCMonth() + 1),
    weekDay,
  ),
);
const always: Field = { text: '*', matches: () => true };
const anyMonth = field(1, 12, (wall) => wall.getUTCMonth() + 1);
const oddDays = fc.oneof(
  fc.tuple(oddMonthDay, anyMonth, fc.constant(always)),
  fc.tuple(fc.constant(always), anyMonth, oddWeekDay),
  fc.tuple(oddMonthDay, anyMonth, oddWeekDay),
);
/** Expressions of days by L, W and #, at noon, where no clock is changed. */
export const noonOfOddDays = expressions(
  fc.constant<Field>({ text: '12', matches: (wall) => wall.getUTCHours() === 12 }),
  oddDays,
);

/** Expressions of L, W and #, most of which name the day that the clocks show then, or one beside it. */
export function aroundDay(wall: number): fc.Arbitrary<Spoken> {
  const naming = (fields: readonly Field[]) => {
    const named = fields.filter((it) => [-day, 0, day].some((apart) => it.matches(new Date(wall + apart))));
    return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...named) }, fc.constantFrom(...fields));
  };
  const [onMonthDay, onWeekDay] = [naming(oddMonthDays), naming(oddWeekDays)];
  const days = fc.oneof(
    fc.tuple(onMonthDay, fc.constant(always), fc.constant(always)),
    fc.tuple(fc.constant(always), fc.constant(always), onWeekDay),
    fc.tuple(onMonthDay, fc.constant(always), onWeekDay),
  );
  return expressions(fc.oneof(nightHours, hours), days);
}

/** Expressions of every day, at hours at which clocks are changed. */
export const nightly = expressions(fc.oneof(nightHours, hours), fc.constant([always, always, always]));

const formats = new Map<string, Intl.DateTimeFormat>();
/** Every change of the clocks falls on such a quarter, in UTC; {@link changesOf} sees to it. */
const quarter = 15 * minute;
const offsets = new Map<string, Map<number, number>>();
/** What the clocks of a zone show, written as the instant at which UTC shows it. */
export function reading(zone: string, at: number): number {
  const begin = Math.floor(at / quarter) * quarter;
  const known = offsets.get(zone) ?? new Map<number, number>();
  offsets.set(zone, known);
  const ahead = known.get(begin) ?? shownBy(zone, begin) - begin;
  known.set(begin, ahead);
  return at + ahead;
}

function shownBy(zone: string, at: number): number {
  const format =
    formats.get(zone) ?? new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  formats.set(zone, format);
  return Date.parse(`${format.format(at).replace(' ', 'T')}Z`);
}

/** When the clocks of a zone are changed in the ten years: the first minute of the new time. */
export function changesOf(zone: string): number[] {
  const ahead = (at: number): number => shownBy(zone, at) - at;
  const changes: number[] = [];
  for (let from = firstYear; from < lastYear; from += day) {
    if (ahead(from) === ahead(from + day)) continue;
    let at = from;
    while (ahead(at) === ahead(from)) at += minute;
    if (at % quarter !== 0) throw new Error(`${zone} changes its clocks within a quarter of an hour, at ${at}`);
    changes.push(at);
  }
  return changes;
}

/** What the written rule says of an expression, minute by minute, from `from` until `to` (both whole minutes). */
export function slotsByRule(cron: Spoken, zone: string, from: number, to: number): number[] {
  // A day more on either side: what is due in the middle may be named there.
  const [begin, end] = [from - day, to + day];
  const shown: number[] = [];
  for (let at = begin; at <= end; at += minute) shown.push(reading(zone, at));
  const slots = new Set<number>();
  const add = (at: number): void => void (at >= from && at < to && slots.add(at));
  if (cron.everyHour) {
    shown.forEach((wall, index) => {
      if (!cron.matches(new Date(wall))) return;
      for (const second of cron.seconds) add(begin + index * minute + second * 1_000);
    });
  } else {
    const first = new Map<number, number>();
    shown.forEach((wall, index) => void (first.has(wall) || first.set(wall, index)));
    const [earliest, latest] = [Math.min(...shown), Math.max(...shown)];
    for (let wall = earliest; wall <= latest; wall += minute) {
      if (!cron.matches(new Date(wall))) continue;
      const index = first.get(wall);
      if (index === undefined) add(begin + shown.findIndex((it) => it > wall) * minute);
      else for (const second of cron.seconds) add(begin + index * minute + second * 1_000);
    }
  }
  return [...slots].sort((a, b) => a - b);
}
