import { sql, type Kysely } from 'kysely';
import type { IndexFinding } from '../database.js';

/** Indexes whose columns another one begins with. SQLite does not count the use of indexes. */
export async function adviseIndexes(db: Kysely<unknown>, tables: readonly string[]): Promise<IndexFinding[]> {
  const findings: IndexFinding[] = [];
  for (const table of tables) {
    const { rows } = await sql<{ name: string; isUnique: number; columns: string }>`
      select l.name, l."unique" as "isUnique",
        (select json_group_array(json_array(x.name, x."desc", x.coll)) from pragma_index_xinfo(l.name) x where x.key = 1) as columns
      from pragma_index_list(${table}) as l where l.partial = 0 order by l.name`.execute(db);
    const indexes = rows.map((row) => ({ ...row, prefix: row.columns.slice(0, -1) }));
    for (const { name, isUnique, columns, prefix } of indexes) {
      const isExpression = columns.includes('[null,');
      const wider = indexes.find(
        (it) =>
          it.name !== name &&
          (it.columns === columns ? it.isUnique || it.name < name : it.columns.startsWith(`${prefix},`)),
      );
      if (wider && !isUnique && !isExpression)
        findings.push({
          table,
          index: name,
          finding: 'duplicate',
          bytes: null,
          note: `${wider.name} begins with the same columns.`,
        });
    }
  }
  return findings;
}
