import { createHash } from 'node:crypto';
import type { Database } from '@dotmac/core/kysely';

/** What a text looks like in the encodings that a row may hold it in. All in lower case where case does not matter. */
function encodingsOf(text: string): { encoding: string; needle: string }[] {
  const bytes = Buffer.from(text);
  // A text within a larger one is in base64 in one of three ways; its first and last characters depend on neighbours.
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift, 32), bytes])
      .toString('base64url')
      .slice(shift === 0 ? 0 : shift + 1, -3),
  );
  return [
    { encoding: 'plain', needle: text.toLowerCase() },
    { encoding: 'hex', needle: bytes.toString('hex') },
    { encoding: 'percent', needle: encodeURIComponent(text).toLowerCase() },
    { encoding: 'sha256', needle: createHash('sha256').update(text.toLowerCase()).digest('hex') },
    ...base64.map((needle) => ({ encoding: 'base64', needle: needle.toLowerCase() })),
  ];
}

/** Every dotmac table of a database, all of its rows as text, in no order. */
export async function allRows(database: Database): Promise<Map<string, string[]>> {
  const tables = (await database.kysely.introspection.getTables()).map(({ name }) => name);
  const kysely = database.withTables<Record<string, Record<string, unknown>>>();
  const rows = new Map<string, string[]>();
  for (const table of tables.filter((name) => name.startsWith('dotmac_')))
    rows.set(
      table,
      (await kysely.selectFrom(table).selectAll().execute()).map((row) => JSON.stringify(row)),
    );
  return rows;
}

/** Where texts are still to be found: `table: text (encoding)`. */
export async function tracesOf(database: Database, texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const [table, rows] of await allRows(database))
    for (const row of rows) {
      const seen = row.toLowerCase().replaceAll('+', '-').replaceAll('/', '_').replaceAll('\\\\', '\\');
      for (const text of texts)
        for (const { encoding, needle } of encodingsOf(text))
          if (row.toLowerCase().includes(needle) || seen.includes(needle))
            found.push(`${table}: ${text} (${encoding})`);
    }
  return [...new Set(found)].sort();
}
