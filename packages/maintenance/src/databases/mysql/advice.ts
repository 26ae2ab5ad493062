import { sql, type Kysely } from 'kysely';
import type { IndexFinding, SlowQueries, SlowQuery } from '../database.js';

interface Index {
  name: string;
  columns: string;
  isUnique: number;
}

/** Indexes whose columns another one begins with. (Their use is counted in performance_schema alone, mostly off.) */
export async function adviseIndexes(db: Kysely<unknown>, tables: readonly string[]): Promise<IndexFinding[]> {
  const findings: IndexFinding[] = [];
  for (const table of tables) {
    const { rows } = await sql<Index>`
      select index_name as name, min(non_unique) = 0 as isUnique,
        concat(group_concat(concat(column_name, ':', coalesce(sub_part, '')) order by seq_in_index separator ','), ',') as columns
      from information_schema.statistics
      where table_schema = database() and binary table_name = ${table} and index_type = 'BTREE'
      group by index_name order by index_name`.execute(db);
    for (const index of rows) {
      const wider = rows.find((other) => other !== index && covers(other, index));
      if (wider && !Number(index.isUnique))
        findings.push({
          table,
          index: index.name,
          finding: 'duplicate',
          bytes: null,
          note: `${wider.name} begins with the same columns.`,
        });
    }
  }
  return findings;
}

function covers(wide: Index, narrow: Index): boolean {
  if (wide.columns !== narrow.columns) return wide.columns.startsWith(narrow.columns);
  return Number(wide.isUnique) === 1 || wide.name < narrow.name;
}

/** From performance_schema, of this database. */
export async function slowQueries(db: Kysely<unknown>, limit: number): Promise<SlowQueries> {
  try {
    const { rows: variables } = await sql<{ on: number }>`select @@performance_schema as \`on\``.execute(db);
    if (Number(variables[0]?.on) !== 1) return { available: false, reason: 'performance_schema is off', queries: [] };
    const { rows } = await sql<SlowQuery>`
      select left(digest_text, 500) as query, count_star as calls, avg_timer_wait / 1e9 as meanMs
      from performance_schema.events_statements_summary_by_digest
      where schema_name = database() and digest_text is not null order by avg_timer_wait desc limit ${sql.lit(limit)}`.execute(
      db,
    );
    const queries = rows.map((row) => ({ query: row.query, calls: Number(row.calls), meanMs: Number(row.meanMs) }));
    return { available: true, reason: null, queries };
  } catch {
    return { available: false, reason: 'performance_schema cannot be read', queries: [] };
  }
}
