import type { Database } from '@dotmac/core/kysely';
import { sql, type RawBuilder } from 'kysely';
import { isoBound, isoShape, spacedBound, spacedShape } from '../cutoff.js';
import type { DueRows } from '../database.js';

/**
 * What makes a row due. SQLite compares across types (a number is less than any text), so the type is asked for too.
 * Index: one that begins with the time column.
 */
export function isDue({ timeColumn, timeUnit, before, tenant }: DueRows): RawBuilder<boolean> {
  const time = sql.id(timeColumn);
  const due = {
    ms: sql`${time} < ${before} and typeof(${time}) in ('integer', 'real')`,
    s: sql`${time} < ${Math.floor(before / 1_000)} and typeof(${time}) in ('integer', 'real')`,
    iso: sql`${time} < ${isoBound(before)} and typeof(${time}) = 'text' and ${time} like ${isoShape}`,
    timestamp: sql`${time} < ${spacedBound(before)} and typeof(${time}) = 'text' and ${time} like ${spacedShape}`,
  }[timeUnit];
  if (!tenant) return sql<boolean>`(${due})`;
  return sql<boolean>`(${due} and ${sql.id(tenant.column)} = ${tenant.value} collate binary)`;
}

/** Counts due rows. */
export async function countDue(database: Database, due: DueRows): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from ${sql.id(due.facts.table)} where ${isDue(due)}
  `.execute(database.kysely);
  return Number(rows[0]?.count ?? 0);
}
