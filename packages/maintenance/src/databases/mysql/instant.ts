import { sql } from 'kysely';
import type { TimeUnit } from '../../policies/time-unit.js';
import type { Sql } from '../rows/selection.js';

const numeric = new Set(['bigint', 'bigint unsigned', 'int', 'int unsigned', 'decimal', 'double', 'float']);
const native = new Set(['datetime', 'timestamp', 'date']);

/** Does a column of that type keep instants in that unit? */
export function keeps(timeType: string, unit: TimeUnit): boolean {
  return (unit === 'timestamp' ? native : numeric).has(timeType);
}

/** An instant as a column of that type and unit is compared with it. Our sessions are in UTC, so all three types read alike. */
export function instantLiteral(unit: TimeUnit, timeType: string, instant: number): Sql {
  if (unit !== 'timestamp') return sql`${unit === 'ms' ? instant : Math.floor(instant / 1000)}`;
  const utc = new Date(instant).toISOString().replace('T', ' ');
  return sql`${utc.slice(0, timeType === 'date' ? 10 : -1)}`;
}
