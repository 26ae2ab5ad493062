import { sql, type Kysely } from 'kysely';
import { finding, type Finding } from '../../finding.js';
import { freeIndexName } from '../../free-name.js';

const id = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Foreign keys whose columns no whole index begins with; the rowid needs none. */
export async function adviseForeignKeys(db: Kysely<unknown>, tables: readonly string[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { rows: named } = await sql<{ name: string }>`select name from sqlite_schema`.execute(db);
  const taken = new Set(named.map(({ name }) => name.toLowerCase()));
  for (const table of tables) {
    const { rows: parts } = await sql<{ id: number; target: string; column: string }>`
      select id, "table" as target, "from" as "column" from pragma_foreign_key_list(${table}) order by id, seq`.execute(
      db,
    );
    const { rows: indexes } = await sql<{ columns: string }>`
      select (select json_group_array(x.name) from pragma_index_info(l.name) x) as columns
      from pragma_index_list(${table}) l where l.partial = 0`.execute(db);
    const { rows: rowid } = await sql<{ name: string }>`
      select name from pragma_table_info(${table}) where pk = 1 and upper(type) = 'INTEGER'`.execute(db);
    const covering = [...indexes.map(({ columns }) => JSON.parse(columns) as string[]), rowid.map(({ name }) => name)];
    for (const key of new Set(parts.map((part) => part.id))) {
      const own = parts.filter((part) => part.id === key);
      const columns = own.map(({ column }) => column);
      if (covering.some((index) => columns.every((it) => index.slice(0, columns.length).includes(it)))) continue;
      const index = freeIndexName([table, ...columns].join('_'), taken);
      findings.push(withoutIndex(table, columns, own[0]?.target ?? '', id(index)));
    }
  }
  return findings;
}

function withoutIndex(table: string, columns: readonly string[], target: string, index: string): Finding {
  return finding({
    table,
    object: columns.join('_'),
    kind: 'foreign_key_without_index',
    message: `No index begins with ${columns.join(', ')}: each delete or change of a key in ${target} reads all of ${table}.`,
    evidence: { columns: columns.join(', '), references: target },
    risk: 'Writers wait while it is built, and every write will keep one more index up.',
    applySql: [`CREATE INDEX ${index} ON ${id(table)} (${columns.map(id).join(', ')})`],
    undoSql: [`DROP INDEX ${index}`],
  });
}
