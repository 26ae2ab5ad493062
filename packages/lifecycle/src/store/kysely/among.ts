import { sql, type RawBuilder } from 'kysely';
import type { Database } from '@dotmac/core/kysely';

/** Is a column one of these? PostgreSQL takes thousands of values as one array for a fraction of what they cost alone. */
export function among({ dialect }: Database, column: string, values: readonly string[]): RawBuilder<boolean> {
  return dialect === 'postgres'
    ? sql<boolean>`${sql.ref(column)} = any(${[...values]}::text[])`
    : sql<boolean>`${sql.ref(column)} in (${sql.join([...values])})`;
}
