import type { Database } from '@dotmac/core/kysely';
import { sql } from 'kysely';
import type { IndexFinding, SlowQuery, TableFacts, Upkeep } from '../database.js';
import { failureNote } from '../failures.js';
import { prefixDuplicates } from '../index-advice.js';

/** Advice on a table's indexes: those whose columns another one begins with. */
export async function adviseIndexes(database: Database, { table }: TableFacts): Promise<IndexFinding[]> {
  const { rows } = await sql<{ name: string; unique: number; columns: string }>`
    select list.name as name, list."unique" as "unique",
      (select json_group_array(coalesce(name, '')) from (select name from pragma_index_info(list.name) order by seqno)) as columns
    from pragma_index_list(${table}) as list where list.partial = 0
  `.execute(database.kysely);
  const indexes = rows.map(({ name, unique, columns }) => ({
    name,
    unique: Number(unique) === 1,
    columns: JSON.parse(columns) as string[],
  }));
  return prefixDuplicates(table, indexes);
}

/** REINDEX of one table. It holds the write lock meanwhile. */
export async function rebuildIndexes(database: Database, { table }: TableFacts): Promise<Upkeep & { rebuilt: number }> {
  try {
    await sql`reindex ${sql.id(table)}`.execute(database.kysely);
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from pragma_index_list(${table})
    `.execute(database.kysely);
    return { statements: [`REINDEX "${table}"`], notes: [], rebuilt: Number(rows[0]?.count ?? 0) };
  } catch (error) {
    return { statements: [], notes: [failureNote('REINDEX', error)], rebuilt: 0 };
  }
}

/** SQLite keeps no record of statements. */
export function slowQueries(): Promise<{ available: boolean; reason: string; queries: SlowQuery[] }> {
  return Promise.resolve({ available: false, reason: 'SQLite keeps no record of statements', queries: [] });
}
