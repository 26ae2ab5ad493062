import { sql, type Transaction } from 'kysely';
import type { Removal } from './dialect.js';
import { tableId } from './due.js';
import type { Sql } from './selection.js';

/** How many rows went, of which as many must have come to their archive: a trigger there may keep some out. */
export function allMoved(moved: number, deleted: number): number {
  if (moved !== deleted) throw new Error('The archive did not take all of the rows that were deleted.');
  return deleted;
}

/** Statements that delete the rows of a condition, once they are in the archive where there is one. */
export function oneAfterTheOther({ from, archive }: Pick<Removal, 'from' | 'archive'>, condition: Sql): Sql[] {
  const deletion = sql`delete from ${tableId(from)} where ${condition}`;
  if (!archive) return [deletion];
  const columns = sql.join(archive.columns.map((name) => sql.id(name)));
  const insertion = sql`insert into ${tableId(archive.to)} (${columns})
      select ${columns} from ${tableId(from)} where ${condition}`;
  return [insertion, deletion];
}

/** Executes them; how many rows went. */
export async function executed(trx: Transaction<unknown>, statements: readonly Sql[]): Promise<number> {
  const affected: number[] = [];
  for (const statement of statements) affected.push(Number((await statement.execute(trx)).numAffectedRows ?? 0n));
  return allMoved(affected[0] ?? 0, affected.at(-1) ?? 0);
}
