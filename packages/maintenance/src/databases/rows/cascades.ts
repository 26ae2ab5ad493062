import { sql } from 'kysely';
import type { Database } from '@dotmac/core/kysely';
import type { RowDialect } from './dialect.js';
import { due, tableId, tableLabel } from './due.js';
import { endedByTimeout } from './retry.js';
import type { Reference, RowSelection, Sql, TableFacts, TableName } from './selection.js';

/** Rows of other tables that go, or lose their reference, with the rows that are due. */
export interface CascadeCount {
  table: string;
  onDelete: Reference['onDelete'];
  items: number;
}

const limits = { statementTimeoutMs: 15_000, lockTimeoutMs: 1_000 };
/** Cascades of cascades, so deep. */
const deepest = 5;

/**
 * Counts what deleting the rows that are due would do to other tables, through all cascades.
 * @param signal looked at before each
 */
export async function countCascades(
  { kysely }: Database,
  dialect: RowDialect,
  selection: RowSelection,
  facts: TableFacts,
  signal: AbortSignal,
): Promise<CascadeCount[]> {
  const counts: CascadeCount[] = [];
  const follow = async (parent: TableName, references: readonly Reference[], gone: Sql, depth: number) => {
    for (const reference of references) {
      const { child, onDelete } = reference;
      if (onDelete === 'restrict') continue;
      signal.throwIfAborted();
      const alias = `dm_child${depth}`;
      const condition = refersTo(parent, depth, reference, alias, gone);
      counts.push({
        table: tableLabel(child),
        onDelete,
        items: await dialect
          .read(kysely, limits, async (connection) => {
            const { rows } = await sql<{ n: number }>`
              select count(*) as n from ${tableId(child)} as ${sql.id(alias)} where ${condition}`.execute(connection);
            return Number(rows[0]?.n ?? 0);
          })
          .catch((error: unknown) => {
            // Too many to be counted in time, which is itself worth knowing.
            if (endedByTimeout(error)) return -1;
            throw error;
          }),
      });
      const known = child.table === parent.table && child.schema === parent.schema;
      if (onDelete !== 'cascade' || known || depth >= deepest) continue;
      const next = await dialect.describe(kysely, { ...child, timeColumn: '' });
      await follow(child, next?.references ?? [], condition, depth + 1);
    }
  };
  await follow(selection, facts.references, due(dialect, selection, facts), 0);
  return counts;
}

/** Does a row of the child refer to one that goes? The registered table stands without an alias, those below it with one. */
function refersTo(
  parent: TableName,
  depth: number,
  { childColumns, columns }: Reference,
  alias: string,
  gone: Sql,
): Sql {
  const above = depth === 0 ? parent.table : `dm_child${depth - 1}`;
  const pairs = childColumns.map(
    (column, index) => sql`${sql.id(alias, column)} = ${sql.id(above, columns[index] as string)}`,
  );
  const from = depth === 0 ? tableId(parent) : sql`${tableId(parent)} as ${sql.id(above)}`;
  return sql`exists (select 1 from ${from} where ${sql.join(pairs, sql` and `)} and ${gone})`;
}
