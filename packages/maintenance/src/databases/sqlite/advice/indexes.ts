import { sql, type Kysely } from 'kysely';
import type { IndexFacts } from '../../index-facts.js';

interface Row {
  table: string;
  name: string;
  isUnique: number;
  origin: 'c' | 'u' | 'pk';
  partial: number;
  columns: string;
  definition: string | null;
}

/** The indexes of those tables. SQLite does not count their use. */
export async function indexFacts(db: Kysely<unknown>, tables: readonly string[]): Promise<IndexFacts[]> {
  const facts: IndexFacts[] = [];
  for (const table of tables) {
    const { rows } = await sql<Row>`
      select ${table} as "table", l.name, l."unique" as "isUnique", l.origin, l.partial, s.sql as definition,
        (select json_group_array(json_array(x.name, x."desc", x.coll)) from pragma_index_xinfo(l.name) x where x.key = 1) as columns
      from pragma_index_list(${table}) as l left join sqlite_schema s on s.type = 'index' and s.name = l.name
      order by l.name`.execute(db);
    facts.push(...rows.map(factsOf));
  }
  return facts;
}

function factsOf({ table, name, isUnique, origin, partial, columns, definition }: Row): IndexFacts {
  const keys = (JSON.parse(columns) as [string | null, number, string][]).map(([column, desc, collation]) =>
    // Two expressions cannot be told to be alike.
    column === null ? `expression of ${name}` : [column, desc ? 'desc' : 'asc', collation].join(' '),
  );
  return {
    table,
    name,
    keys,
    included: [],
    method: 'btree',
    isUnique: isUnique === 1,
    isPrimary: origin === 'pk',
    isValid: true,
    isBuilding: false,
    isNeeded: origin !== 'c',
    servesForeignKey: false,
    predicate: partial === 1 ? (/\bwhere\b(.*)$/is.exec(definition ?? '')?.[1]?.trim() ?? name) : null,
    bytes: null,
    scans: null,
    dropSql: `DROP INDEX "${name.replaceAll('"', '""')}"`,
    createSql: definition === null ? [] : [definition],
  };
}
