import type { Database } from './database.js';
import type { InsertRows, Write, WriteRow, WritesTogether } from './writes.js';

/** A statement with its values. */
export interface Statement {
  sql: string;
  parameters: unknown[];
}

/** A name as the database reads it. */
export type Name = (column: string) => string;
type Holding = NonNullable<WritesTogether['holding']>;

/** Texts by shape. Shapes are few: they follow from the code, not from what is written. */
const texts = new Map<string, string>();

/** The text of a shape, made when it is first asked for. */
export function kept(shape: string, build: () => string): string {
  let text = texts.get(shape);
  if (text === undefined) texts.set(shape, (text = build()));
  return text;
}

/** What two writes have in common when their texts are the same; of inserts, save for the number of rows. */
function shapeOf(write: Write): string {
  if ('insert' in write)
    return `+${write.insert}(${columnsOf(write).join()}|${Object.keys(write.computed ?? {}).join()}${write.skipExisting ? '|skip' : ''})`;
  if ('delete' in write) return `-${write.delete}(${Object.keys(write.where).join()})`;
  return `=${write.update}(${Object.keys(write.set).join()}|${Object.keys(write.where).join()})`;
}

/** The columns of new rows that have values. */
export const columnsOf = ({ rows }: InsertRows): string[] => Object.keys(rows[0] ?? {});

/** Columns that the database reckons, with their texts. */
export function computedOf({ kysely }: Database, { computed = {} }: InsertRows): [string, string][] {
  return Object.entries(computed).map(([column, value]) => [column, value.compile(kysely).sql]);
}

/** The words before and after an insert: what becomes of rows that are there already. */
export function wordsOf({ traits }: Database, { skipExisting }: InsertRows): { insert: string; end: string } {
  if (!skipExisting) return { insert: 'insert into', end: '' };
  return traits.upsert === 'on duplicate key'
    ? { insert: 'insert ignore into', end: '' }
    : { insert: 'insert into', end: ' on conflict do nothing' };
}

/** Names, quoted as the dialect has it. */
export function nameIn({ dialect }: Database): Name {
  const quote = dialect === 'mysql' ? '`' : '"';
  return (name) => `${quote}${name.replaceAll(quote, quote + quote)}${quote}`;
}

const equalities = (row: WriteRow, name: Name, value: () => string): string[] =>
  Object.keys(row).map((column) => `${name(column)} = ${value()}`);

/** An update or a delete, under more conditions if there are some. */
function changeText(write: Exclude<Write, InsertRows>, name: Name, value: () => string, more: string[] = []): string {
  // In the order of the parameters.
  const set = 'set' in write ? equalities(write.set, name, value).join() : '';
  const where = [...equalities(write.where, name, value), ...more].join(' and ');
  return 'delete' in write
    ? `delete from ${name(write.delete)} where ${where}`
    : `update ${name(write.update)} set ${set} where ${where}`;
}

/** The row to be held, if it is there; `?` stands for a value on SQLite and MySQL. */
export function holdStatement(database: Database, holding: Holding): Statement {
  const { table, where } = holding;
  const sql = kept(`${database.dialect}?${table}(${Object.keys(where).join()})`, () => {
    const lock = database.traits.skipLocked ? ' for update' : '';
    return `select 1 as held from ${holdText(holding, nameIn(database), () => '?')}${lock}`;
  });
  return { sql, parameters: Object.values(where) };
}

const holdText = ({ table, where }: Holding, name: Name, value: () => string): string =>
  `${name(table)} where ${equalities(where, name, value).join(' and ')}`;

/** The row that a guard changes. */
export const holdingOf = ({ update: table, where }: WritesTogether['guard']): Holding => ({ table, where });

/** One write by itself, on SQLite and MySQL. */
export function statementOf(database: Database, write: Write): Statement {
  const name = nameIn(database);
  const value = (): string => '?';
  if (!('insert' in write)) {
    const sql = kept(`${database.dialect}${shapeOf(write)}`, () => changeText(write, name, value));
    return { sql, parameters: valuesOf(write) };
  }
  const { rows } = write;
  const sql = kept(`${database.dialect}${rows.length}${shapeOf(write)}`, () => {
    const computed = computedOf(database, write);
    const columns = [...columnsOf(write), ...computed.map(([column]) => column)].map(name).join();
    const row = [...columnsOf(write).map(value), ...computed.map(([, text]) => text)].join();
    const { insert, end } = wordsOf(database, write);
    return `${insert} ${name(write.insert)} (${columns}) values ${Array<string>(rows.length).fill(`(${row})`).join()}${end}`;
  });
  return { sql, parameters: rows.flatMap((row) => Object.values(row)) };
}

function valuesOf(write: Exclude<Write, InsertRows>): unknown[] {
  return 'set' in write ? [...Object.values(write.set), ...Object.values(write.where)] : Object.values(write.where);
}

/** What writes of one commit have in common when their texts are the same; of inserts, save for the number of rows. */
export function shapeOfAll({ holding, guard, then }: WritesTogether): string {
  const held = holding ? `?${holding.table}(${Object.keys(holding.where).join()})` : '';
  return `${held}${[guard, ...then].map(shapeOf).join()}`;
}

/** Whether a statement waits for rows that somebody else has locked, or takes them for not being there. */
export type Locked = 'wait' | 'skip';

/**
 * All writes as one PostgreSQL statement. Rows travel as one JSON parameter, typed by their table: the text is the same
 * for any number of them.
 */
export function oneStatement(database: Database, writes: WritesTogether, locked: Locked): Statement {
  const { holding, guard, then } = writes;
  const all = [guard, ...then];
  // The guard's row is locked first, as it is by whoever locks both.
  const holds = holding ? [holdingOf(guard), holding] : locked === 'skip' ? [holdingOf(guard)] : [];
  const sql = kept(`postgres ${locked} ${shapeOfAll(writes)}`, () => {
    const name = nameIn(database);
    let count = 0;
    const value = (): string => `$${++count}`;
    const lock = locked === 'skip' ? 'for update skip locked' : 'for update';
    const held = holds.map((hold, index) => {
      const after = index > 0 ? ` and exists (select from held${index - 1})` : '';
      return `held${index} as (select from ${holdText(hold, name, value)}${after} ${lock})`;
    });
    const last = held.length > 0 ? `held${held.length - 1}` : undefined;
    const parts = all.map((write, index) => {
      const text = partOf(database, write, value, index > 0 ? 'guarded' : last);
      return index > 0 ? `w${index} as (${text})` : `guarded as (${text} returning 1)`;
    });
    return `with ${[...held, ...parts].join(', ')} select count(*) as guarded from guarded`;
  });
  const parameters = all.flatMap((it) => ('insert' in it ? [jsonOf(it.rows)] : valuesOf(it)));
  return { sql, parameters: [...holds.flatMap(({ where }) => Object.values(where)), ...parameters] };
}

/** One write of several, which is made if there is a row in `after`. */
function partOf(database: Database, write: Write, value: () => string, after: string | undefined): string {
  const name = nameIn(database);
  const condition = after ? [`exists (select from ${after})`] : [];
  if (!('insert' in write)) return changeText(write, name, value, condition);
  return insertText(database, write, value, after);
}

/** Rows that travel as one JSON parameter, typed by their table; if there is a row in `after`. */
function insertText(database: Database, write: InsertRows, value: () => string, after?: string): string {
  const name = nameIn(database);
  const computed = computedOf(database, write);
  const target = [...columnsOf(write), ...computed.map(([column]) => column)].map(name).join();
  const source = [...columnsOf(write).map((column) => `r.${name(column)}`), ...computed.map(([, text]) => text)].join();
  const rows = `json_populate_recordset(null::${name(write.insert)}, ${value()}::json) as r`;
  const { insert, end } = wordsOf(database, write);
  return `${insert} ${name(write.insert)} (${target}) select ${source} from ${after ? `${after}, ` : ''}${rows}${end}`;
}

/** An insert by itself, on PostgreSQL. */
export function insertStatement(database: Database, write: InsertRows): Statement {
  const sql = kept(`postgres${shapeOf(write)}`, () => insertText(database, write, () => '$1'));
  return { sql, parameters: [jsonOf(write.rows)] };
}

/** Node has it from 20 on. */
type WellFormable = string & { toWellFormed(): string };

/** How JSON writes a lone surrogate. */
const escapedSurrogate = /\\ud[89a-f]/i;

/** Rows as one parameter. Looking at each value takes longer than writing all of them. */
export function jsonOf(rows: readonly object[]): string {
  const json = JSON.stringify(rows);
  return escapedSurrogate.test(json) ? JSON.stringify(rows, wellFormed) : json;
}

/** A lone surrogate is no character: as a parameter of its own it would be written as U+FFFD, in JSON it is refused. */
function wellFormed(_: string, value: unknown): unknown {
  return typeof value === 'string' ? (value as WellFormable).toWellFormed() : value;
}
