import { sql } from 'kysely';
import type { TimeUnit } from '../../policies/time-unit.js';
import type { Sql } from '../rows/selection.js';

const numeric = new Set(['bigint', 'integer', 'numeric', 'double precision', 'real']);
const native = new Set(['timestamp with time zone', 'timestamp without time zone', 'date']);

/** Does a column of that type keep instants in that unit? */
export function keeps(timeType: string, unit: TimeUnit): boolean {
  return (unit === 'timestamp' ? native : numeric).has(timeType);
}

/** What no instant is before, but `-infinity` is, as a column of that type is compared with it. */
export function beforeAll(timeType: string): Sql {
  return native.has(timeType) ? sql`'-infinity'::${sql.raw(timeType)}` : sql`-9e18::double precision`;
}

/** What every instant is before, but `infinity` and NaN are not, in a column of that type: one that an index of it can answer. */
export function afterAll(timeType: string): Sql {
  return native.has(timeType) ? sql`'infinity'::${sql.raw(timeType)}` : sql`9e18::${sql.raw(timeType)}`;
}

/** An instant as a column of that type and unit is compared with it. */
export function instantLiteral(unit: TimeUnit, timeType: string, instant: number): Sql {
  if (unit !== 'timestamp') return sql`${unit === 'ms' ? instant : Math.floor(instant / 1000)}::bigint`;
  // A date is before an instant when all of its day is: casting the instant to a date says so.
  const utc = new Date(instant).toISOString().slice(0, -1);
  return sql`${timeType === 'timestamp with time zone' ? `${utc}Z` : utc}::${sql.raw(timeType)}`;
}
