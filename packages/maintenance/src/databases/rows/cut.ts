import { sql, type Kysely } from 'kysely';
import type { RowDialect } from './dialect.js';
import { all, due, matching, tableId } from './due.js';
import type { Along, Column, Position, RowSelection, Sql, TableFacts } from './selection.js';

/** How rows are walked: by windows of a whole-number key, or along columns that an index has. */
export interface Walk {
  by: 'windows' | 'keyset';
  columns: readonly Column[];
  /** Columns that the index has before these, and of which the policy says the values. */
  behind?: readonly string[];
}

/** Rows of one policy, and how they are walked. */
export interface Work {
  dialect: RowDialect;
  selection: RowSelection;
  facts: TableFacts;
  walk: Walk;
  /** What goes with the rows. Default nothing. */
  along?: readonly Along[];
}

/** Where a walk is, as JSON: it is kept, and a later run goes on from it. */
export interface Place {
  /** Everything up to it is done; null at the beginning. */
  after: Position | null;
  /** The greatest key when the walk began: windows end there. */
  last?: string | undefined;
  /** Nothing is beyond it. */
  end?: boolean | undefined;
}

/** Where a walk begins. */
export const beginning: Place = { after: null };

/** One batch that was cut: what belongs to it, and where the next begins. */
export interface Cut {
  condition: Sql;
  next: Place;
}

/** Cuts the next batch, of at most `rows` rows; null when nothing is left. */
export function cut(db: Kysely<unknown>, work: Work, place: Place, rows: number): Promise<Cut | null> {
  return work.walk.by === 'windows' ? cutWindow(db, work, place, rows) : cutStretch(db, work, place, rows);
}

/** `count` values of the key: a window that needs no looking first, which a gap in the key makes cheaper, not slower. */
async function cutWindow(db: Kysely<unknown>, work: Work, { after, last }: Place, count: number): Promise<Cut | null> {
  const { dialect, selection, facts, walk } = work;
  const [key] = walk.columns as [Column];
  const id = sql.id(key.name);
  let [from, to] = [after?.[0], last];
  if (from === undefined || to === undefined) {
    // Each by itself: SQLite answers the two together by reading the whole table.
    const bound = (of: Sql): Sql => sql`(select ${dialect.text(key, of)} from ${tableId(selection)})`;
    const { rows } = await sql<Record<'least' | 'most', string | null>>`
      select ${bound(sql`min(${id})`)} as least, ${bound(sql`max(${id})`)} as most`.execute(db);
    const [bounds] = rows;
    const [least, most] = [wholeNumber(bounds?.least), wholeNumber(bounds?.most)];
    if (least === null || most === null) return null;
    from ??= String(least - 1n);
    to ??= String(most);
  }
  const [begin, end] = [BigInt(from), BigInt(to)];
  if (begin >= end) return null;
  const upTo = begin + BigInt(count) < end ? String(begin + BigInt(count)) : to;
  const window = sql`${dialect.compare([key], [from], '>')} and ${dialect.compare([key], [upTo], '<=')}`;
  const condition = sql`${window} and ${due(dialect, selection, facts)}`;
  return { condition, next: { after: [upTo], last: to, end: upTo === to } };
}

/** After a window without rows: the place before the next key that there is. */
export async function overGap(db: Kysely<unknown>, { dialect, selection, walk }: Work, place: Place): Promise<Place> {
  const [key] = walk.columns as [Column];
  if (walk.by !== 'windows' || place.after === null || place.end === true) return place;
  const { rows } = await sql<{ next: string | null }>`
    select ${dialect.text(key, sql`min(${sql.id(key.name)})`)} as next from ${tableId(selection)}
    where ${dialect.compare([key], place.after, '>')}`.execute(db);
  const next = wholeNumber(rows[0]?.next);
  return next === null ? { ...place, end: true } : { ...place, after: [String(next - 1n)] };
}

/** Null for null, however the database spells it. */
function wholeNumber(text: string | null | undefined): bigint | null {
  return text != null && /^-?\d+$/.test(text) ? BigInt(text) : null;
}

/**
 * Up to the `count`th row that is old (or, along the key, that there is), due or not: so the looking takes no longer than
 * the deleting, however few of them are due. The last stretch is open at its end.
 */
async function cutStretch(db: Kysely<unknown>, work: Work, { after }: Place, count: number): Promise<Cut> {
  const { dialect, selection, facts, walk } = work;
  const { timeColumn, cutoff } = selection;
  const beyond = after ? sql`${dialect.compare(walk.columns, after, '>')} and ` : sql``;
  const byTime = walk.columns[0]?.name === timeColumn;
  const old = byTime
    ? all([
        ...matching(selection.match, walk.behind ?? []),
        dialect.compareTime(selection, facts.timeType ?? '', '<', cutoff),
      ])
    : sql`1 = 1`;
  const { rows } = await sql<Record<string, string>>`
    select ${positionOf(dialect, walk.columns)} from ${tableId(selection)} where ${beyond}${old}
    order by ${sql.join(walk.columns.map(({ name }) => sql.id(name)))} limit 1 offset ${sql.lit(count - 1)}`.execute(
    db,
  );
  const within = due(dialect, selection, facts);
  if (!rows[0]) return { condition: sql`${beyond}${within}`, next: { after, end: true } };
  const upTo = readPosition(rows[0], walk.columns);
  // Before what is old: SQLite reads the index on to the first of the two, and all that is old would be read for each batch.
  const bounds = sql`${beyond}${dialect.compare(walk.columns, upTo, '<=')}`;
  return { condition: sql`${bounds} and ${within}`, next: { after: upTo } };
}

/** Columns as text, to be read by {@link readPosition}. */
export function positionOf(dialect: RowDialect, columns: readonly Column[]): Sql {
  return sql.join(columns.map((it, index) => sql`${dialect.text(it, sql.id(it.name))} as ${sql.id(`dm_k${index}`)}`));
}

/** @see positionOf */
export function readPosition(row: Readonly<Record<string, unknown>>, columns: readonly Column[]): Position {
  return columns.map((_, index) => String(row[`dm_k${index}`]));
}
