import { sql, type Kysely, type Transaction } from 'kysely';
import { positionOf, readPosition, type Work } from './cut.js';
import { tableId } from './due.js';
import { inKeys } from './keys.js';
import type { Along, Column, Position, Reference, Sql, TableName } from './selection.js';

type Rows = Pick<Work, 'dialect' | 'selection' | 'facts'>;

/** Each may have many rows that go along; and MariaDB looks for those of a thousand values by reading all. */
const mostOwners = 200;
const mostAlong = 500;

/** How many rows a batch has that would have so many by itself. */
export const atMost = (rows: number, along: readonly Along[]): number =>
  along.length > 0 ? Math.min(rows, mostOwners) : rows;

/** References as they count when rows go along: by those whose rows all go nothing is held back. */
export function withAlong(references: readonly Reference[], along: readonly Along[]): Reference[] {
  const goesBy = ({ child, childColumns, columns }: Reference, by: Reference): boolean =>
    by.child.table === child.table &&
    by.child.schema === child.schema &&
    by.childColumns.every((name, index) => columns[childColumns.indexOf(name)] === by.columns[index]);
  const others = references.filter((it) => !along.some(({ reference }) => goesBy(it, reference)));
  return [...others, ...along.map(({ reference }) => reference)];
}

/** Rows whose turn it is. */
interface Owners {
  keys: Position[];
  /** What rows of each other table have, that belong to one of them. */
  values: Position[][];
}

/** Keys and referenced columns; who refers to null belongs to nobody. */
const columnsOf = ({ facts }: Rows, { columns }: Reference): Column[] =>
  columns.map((name) => facts.columns.find((it) => it.name === name) ?? { name, type: '' });

const reading = (of: Rows, along: readonly Along[], condition: Sql) => sql<Record<string, unknown>>`
    select ${positionOf(of.dialect, [...of.facts.key, ...along.flatMap(({ reference }) => columnsOf(of, reference))])}
    from ${tableId(of.selection)} where ${condition}`;

function ownersOf(of: Rows, along: readonly Along[], rows: readonly Record<string, unknown>[]): Owners {
  const { key } = of.facts;
  let at = key.length;
  const values = along.map(({ reference }) => {
    const names = reference.columns.map((_, index) => `dm_k${at + index}`);
    at += names.length;
    const whole = rows.filter((row) => names.every((name) => row[name] !== null));
    return whole.map((row) => names.map((name) => String(row[name])));
  });
  return { keys: rows.map((row) => readPosition(row, key)), values };
}

/** Of one other table, what belongs to some rows. */
function belonging(of: Rows, { reference, key }: Along, values: readonly Position[], most: number) {
  const columns = columnsOf(of, reference).map((it, index) => ({
    ...it,
    name: reference.childColumns[index] as string,
  }));
  return sql<Record<string, unknown>>`select ${positionOf(of.dialect, key)} from ${tableId(reference.child)}
    where ${inKeys(of.dialect, columns, values)} limit ${sql.lit(most)}`;
}

const deletion = ({ dialect }: Rows, from: TableName, key: readonly Column[], which: readonly Position[]): Sql =>
  sql`delete from ${tableId(from)} where ${inKeys(dialect, key, which)}`;

/** What one batch with rows that go along came to. */
interface RemovedAlong {
  /** Rows of the policy. */
  deleted: number;
  /** Rows that went along. */
  rowsAlong: number;
  /** Is nothing left of the batch? More may belong to its rows than goes at a time: they themselves go last. */
  isWhole: boolean;
}

/** Deletes the rows of a condition, which nobody changes meanwhile, and before them what goes along. */
export async function removeWithAlong(
  trx: Transaction<unknown>,
  of: Rows,
  along: readonly Along[],
  condition: Sql,
): Promise<RemovedAlong> {
  const { rows } = await sql<Record<string, unknown>>`${reading(of, along, condition)} ${of.dialect.forUpdate}`.execute(
    trx,
  );
  if (rows.length === 0) return { deleted: 0, rowsAlong: 0, isWhole: true };
  const { keys, values } = ownersOf(of, along, rows);
  const removed = async (statement: Sql): Promise<number> =>
    Number((await statement.execute(trx)).numAffectedRows ?? 0n);
  let [rowsAlong, left] = [0, mostAlong];
  for (const [index, one] of along.entries()) {
    const its = values[index] ?? [];
    if (its.length === 0) continue;
    const { rows: found } = await belonging(of, one, its, left).execute(trx);
    const which = found.map((row) => readPosition(row, one.key));
    if (which.length > 0) rowsAlong += await removed(deletion(of, one.reference.child, one.key, which));
    left -= which.length;
    if (left === 0) return { deleted: 0, rowsAlong, isWhole: false };
  }
  return { deleted: await removed(deletion(of, of.selection, of.facts.key, keys)), rowsAlong, isWhole: true };
}

/** The statements of a batch of this condition, in their order; those that go by values with these of a single row. */
export async function showAlong(
  connection: Kysely<unknown>,
  of: Rows,
  along: readonly Along[],
  condition: Sql,
): Promise<Sql[]> {
  const locking = sql`${reading(of, along, condition)} ${of.dialect.forUpdate}`;
  const { rows } = await sql<Record<string, unknown>>`${reading(of, along, condition)} limit 1`.execute(connection);
  const { keys, values } = ownersOf(of, along, rows);
  if (keys.length === 0) return [locking];
  const shown: Sql[] = [];
  for (const [index, one] of along.entries()) {
    const its = values[index] ?? [];
    if (its.length === 0) continue;
    const { rows: found } = await belonging(of, one, its, 1).execute(connection);
    const which = found.map((row) => readPosition(row, one.key));
    shown.push(belonging(of, one, its, mostAlong));
    if (which.length > 0) shown.push(deletion(of, one.reference.child, one.key, which));
  }
  return [locking, ...shown, deletion(of, of.selection, of.facts.key, keys)];
}
