import { sql, type RawBuilder } from 'kysely';
import type { Database } from '@dotmac/core/kysely';

/** Is a column one of these? PostgreSQL takes thousands of values as one array for a fraction of what they cost alone. */
export function among({ dialect }: Database, column: string, values: readonly string[]): RawBuilder<boolean> {
  return dialect === 'postgres'
    ? sql<boolean>`${sql.ref(column)} = any(cast(${arrayText(values)} as text[]))`
    : sql<boolean>`${sql.ref(column)} in (${sql.join([...values])})`;
}

const special = /["\\]/;

/** Values as PostgreSQL writes an array of them: one text. The driver looks at each by itself, which takes far longer. */
export function arrayText(values: readonly (string | number)[]): string {
  if (values.length === 0) return '{}';
  const needsEscapes = values.some((value) => typeof value === 'string' && special.test(value));
  const written = needsEscapes ? values.map((value) => String(value).replace(/["\\]/g, '\\$&')) : values;
  return `{"${written.join('","')}"}`;
}
