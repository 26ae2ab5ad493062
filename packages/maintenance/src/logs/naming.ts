import { packedSuffixes } from '../files/codec.js';
import { matchesPattern } from '../files/pattern.js';
import { wallTime } from './periods.js';

/** A name that a rotated log has, read. */
export interface RotatedName {
  name: string;
  /** The log that it was. */
  log: string;
  /** The greater, the older. */
  rank: number;
  /** What stands at the end when it is compressed; else empty. */
  suffix: '' | (typeof packedSuffixes)[number];
}

/** How rotated logs are named. */
export interface Naming {
  /** `numbered`, or the date's format: what tells it from others. */
  readonly format: string;
  /** Null for a name that no rotated log of this naming has. */
  read(name: string): RotatedName | null;
  /**
   * Names for a log rotated at that time, the best first. Each is younger than all that it has, also where clocks show an hour
   * again or were set back: else what was just rotated would go as the oldest. Epoch ms.
   * @param held those of its names that files have which are left alone
   */
  names(log: string, at: number, rotated: readonly RotatedName[], held: readonly RotatedName[]): Iterable<string>;
  /**
   * The names that make room: those of a log's rotated files, each followed by the one that it gets. Oldest first; one that moves on
   * by several numbers is there for each.
   */
  shift(log: string, rotated: readonly RotatedName[], held: readonly RotatedName[]): { from: string; to: string }[];
}

const mostAttempts = 10_000;
const packed = packedSuffixes.map((suffix) => suffix.slice(1)).join('|');

/** Clocks are put back by a day at the most; what is further ahead was named by one that was wrong. */
const mostBackMs = 86_400_000;

function* attempts(name: string, first = 0): Iterable<string> {
  if (first === 0) yield name;
  for (let attempt = Math.max(1, first); attempt < mostAttempts; attempt++) yield `${name}.${attempt}`;
}

/** The parts of a date, as `strftime` has them, and how each is found again. */
const tokens = {
  Y: ['\\d{4}', ({ year }: Parts) => `${year}`],
  m: ['\\d{2}', ({ month }: Parts) => two(month)],
  d: ['\\d{2}', ({ day }: Parts) => two(day)],
  H: ['\\d{2}', ({ hour }: Parts) => two(hour)],
  M: ['\\d{2}', ({ minute }: Parts) => two(minute)],
  S: ['\\d{2}', ({ second }: Parts) => two(second)],
  // Longer than an attempt: `.1` after it is none.
  s: ['\\d{5,12}', ({ at }: Parts) => `${Math.floor(at / 1000)}`],
} as const;
type Token = keyof typeof tokens;
type Parts = ReturnType<typeof wallTime> & { at: number };
const two = (value: number): string => `${value}`.padStart(2, '0');

const allowed = /^(?:[A-Za-z0-9_-]|\.|%[YmdHMSs])+$/;

/** Whether a format of dates gives names that can be ordered: it has the day (`%Y`, `%m` and `%d`), or the second (`%s`). */
export const isDateFormat = (format: string): boolean =>
  format.length <= 64 &&
  allowed.test(format) &&
  (format.includes('%s') || ['%Y', '%m', '%d'].every((it) => format.includes(it)));

/**
 * `app.log.20260131T120000Z`, or as the format has it; with `.1`, `.2` … when that is taken.
 */
export function dated(format: string, timeZone: string): Naming {
  const order: Token[] = [];
  const pattern = format.replace(/%([YmdHMSs])|[.-]/g, (text, token?: Token) => {
    if (token === undefined) return `\\${text}`;
    order.push(token);
    return `(${tokens[token][0]})`;
  });
  // A name may have the end of a line in it, too.
  const regExp = new RegExp(`^(.+)\\.${pattern}(?:\\.(\\d{1,4}))?(?:\\.(${packed}))?$`, 's');
  const instant = (values: readonly string[]): number => {
    const of = (token: Token, fallback: number): number => {
      const index = order.indexOf(token);
      return index < 0 ? fallback : Number(values[index]);
    };
    if (order.includes('s')) return of('s', 0) * 1000;
    return Date.UTC(of('Y', 0), of('m', 1) - 1, of('d', 1), of('H', 0), of('M', 0), of('S', 0));
  };
  const parse = (name: string): (RotatedName & { unnumbered: string; attempt: number }) | null => {
    const match = regExp.exec(name);
    if (!match) return null;
    const [, log = '', ...rest] = match;
    const [attempt = '0', ending] = rest.slice(order.length);
    const suffix = ending === undefined ? '' : (`.${ending}` as RotatedName['suffix']);
    const plain = name.slice(0, name.length - suffix.length);
    const unnumbered = rest[order.length] === undefined ? plain : plain.slice(0, -attempt.length - 1);
    // Attempts of one instant stand between it and the next.
    const rank = -(instant(rest) + Number(attempt) / 1_000);
    return { name, log, rank, suffix, unnumbered, attempt: Number(attempt) };
  };
  return {
    format,
    read(name) {
      const parsed = parse(name);
      if (!parsed) return null;
      const { log, rank, suffix } = parsed;
      return { name, log, rank, suffix };
    },
    names(log, at, rotated) {
      const parts = { ...wallTime(at, timeZone), at };
      const name = `${log}.${format.replace(/%([YmdHMSs])/g, (_, token: Token) => tokens[token][1](parts))}`;
      const rank = parse(name)?.rank ?? -Infinity;
      const [youngest] = rotated.flatMap((it) => parse(it.name) ?? []).sort((one, other) => one.rank - other.rank);
      const isAhead = youngest !== undefined && youngest.rank <= rank && rank - youngest.rank <= mostBackMs;
      return isAhead ? attempts(youngest.unnumbered, youngest.attempt + 1) : attempts(name);
    },
    shift: () => [],
  };
}

const number = new RegExp(`^(.+)\\.([1-9]\\d{0,8})(?:\\.(${packed}))?$`, 's');

/** The next number that no file has which is left alone. */
function nextFree(number: number, held: ReadonlySet<number>): number {
  let next = number + 1;
  while (held.has(next)) next++;
  return next;
}

const ranksOf = (names: readonly RotatedName[]): Set<number> => new Set(names.map(({ rank }) => rank));

/** `app.log.1`, the youngest; the others move on, as far as there is no gap. All pass over what is left alone. */
export const numbered: Naming = {
  format: 'numbered',
  read(name) {
    const [, log, rank, suffix] = number.exec(name) ?? [];
    if (log === undefined || rank === undefined) return null;
    return {
      name,
      log,
      rank: Number(rank),
      suffix: suffix === undefined ? '' : (`.${suffix}` as RotatedName['suffix']),
    };
  },
  names: (log, _, __, held) => [`${log}.${nextFree(0, ranksOf(held))}`],
  shift(log, rotated, held) {
    const passed = ranksOf(held);
    // A file may have the number of one that is left alone, or a smaller one: it gives way all the same, for what is rotated next gets
    // a greater one.
    const targets = new Map<number, number>();
    let last = nextFree(0, passed);
    for (const rank of [...ranksOf(rotated)].sort((one, other) => one - other)) {
      if (rank > last) break;
      last = nextFree(last, passed);
      targets.set(rank, last);
    }
    const moves: { from: string; to: string }[] = [];
    for (const { name, rank, suffix } of [...rotated].sort((one, other) => other.rank - one.rank)) {
      let from = name;
      // Never past a number that is free: recovery knows an unfinished move by that.
      for (let next = nextFree(rank, passed); next <= (targets.get(rank) ?? 0); next = nextFree(next, passed)) {
        const to = `${log}.${next}${suffix}`;
        moves.push({ from, to });
        from = to;
      }
    }
    return moves;
  },
};

/** The naming that a policy has when it says nothing. */
export const standardFormat = '%Y%m%dT%H%M%SZ';
const known: readonly Naming[] = [dated(standardFormat, 'UTC'), numbered];

/** Whether a name is that of a rotated log of the pattern under one of the standard namings: not itself a log to be rotated. */
export const isStandardRotated = (pattern: string, name: string): boolean =>
  known.some((naming) => matchesPattern(pattern, naming.read(name)?.log ?? ''));
