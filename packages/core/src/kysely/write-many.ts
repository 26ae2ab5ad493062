import type { Database } from './database.js';
import {
  columnsOf,
  computedOf,
  jsonOf,
  kept,
  nameIn,
  shapeOfAll,
  wordsOf,
  type Name,
  type Statement,
} from './write-text.js';
import type { InsertRows, Write, WriteRow, WritesTogether } from './writes.js';

type Change = Exclude<Write, InsertRows>;

const changesOf = ({ guard, then }: WritesTogether): Change[] =>
  [guard, ...then].filter((it): it is Change => !('insert' in it));

const tableOf = (write: Change): string => ('delete' in write ? write.delete : write.update);

/**
 * The shape that writes must have in common to become one statement; undefined when they can be in none with others:
 * where two of them change rows of one table, one's first might be another's second.
 */
export function shapeOfMany(writes: WritesTogether): string | undefined {
  const tables = changesOf(writes).map(tableOf);
  return new Set(tables).size === tables.length ? shapeOfAll(writes) : undefined;
}

/**
 * Picks those of one shape that touch no row that one before them touches: a statement changes a row once. Rows that are
 * found by the same columns are the same when these are equal.
 */
export function disjoint(many: readonly WritesTogether[]): ReadonlySet<WritesTogether> {
  const taken = new Set<string>();
  const picked = new Set<WritesTogether>();
  for (const writes of many) {
    const rows = changesOf(writes).map((write, index) =>
      JSON.stringify([index, ...Object.values(write.where).map(String)]),
    );
    if (rows.some((row) => taken.has(row))) continue;
    for (const row of rows) taken.add(row);
    picked.add(writes);
  }
  return picked;
}

/**
 * Writes of one shape as one PostgreSQL statement, which answers the places (`n`, from 0) of those that were made. What
 * waits for a row that somebody else has locked is not made; who finds a row changed since it was read writes nothing of
 * his own, and the others all of theirs. The values travel as one JSON parameter, typed by their tables: the text is the
 * same for any number of writes.
 */
export function manyStatement(database: Database, many: readonly WritesTogether[]): Statement {
  const [pattern] = many;
  if (!pattern) throw new RangeError('There is nothing to write.');
  const sql = kept(`postgres many ${shapeOfAll(pattern)}`, () => manyText(database, pattern));
  return { sql, parameters: [jsonOf(many.map((writes, n) => ({ n, ...documentOf(writes) })))] };
}

/** What the statement reads of one: what its rows are found by (`k`), what they become (`v`), and those to be added (`r`). */
function documentOf({ holding, guard, then }: WritesTogether): WriteRow {
  const document: WriteRow = {};
  if (holding) document['h'] = holding.where;
  for (const [index, write] of [guard, ...then].entries())
    if ('insert' in write) document[`r${index}`] = write.rows;
    else {
      document[`k${index}`] = write.where;
      if ('set' in write) document[`v${index}`] = write.set;
    }
  return document;
}

function manyText(database: Database, pattern: WritesTogether): string {
  const { holding, guard, then } = pattern;
  const name = nameIn(database);
  const documents = Object.keys(documentOf(pattern)).map((key) => `${key} json`);
  const given = `given as materialized (select * from json_to_recordset($1::json) as g(n int, ${documents.join()}))`;
  const locks = [lockText('locked', 'given g', guard.update, guard.where, 'k0', name)];
  if (holding) locks.push(lockText('held', 'locked join given g using (n)', holding.table, holding.where, 'h', name));
  const last = holding ? 'held' : 'locked';
  const parts = then.map((write, index) => `w${index + 1} as (${partText(database, write, index + 1, 'guarded')})`);
  const guarded = `guarded as (${partText(database, guard, 0, last)} returning g.n)`;
  return `with ${[given, ...locks, guarded, ...parts].join(', ')} select n from guarded`;
}

/** A row of JSON, typed by its table. */
const rowText = (table: string, key: string, name: Name): string =>
  `json_populate_record(null::${name(table)}, g.${key})`;

const matches = (where: WriteRow, name: Name): string =>
  Object.keys(where)
    .map((column) => `t.${name(column)} = k.${name(column)}`)
    .join(' and ');

/** Locks the rows that are found and that nobody else has locked. */
function lockText(as: string, from: string, table: string, where: WriteRow, key: string, name: Name): string {
  const source = `${from} cross join lateral ${rowText(table, key, name)} as k join ${name(table)} as t on`;
  return `${as} as (select g.n from ${source} ${matches(where, name)} for update of t skip locked)`;
}

/** One write of each, for those that are in `after`. */
function partText(database: Database, write: Write, index: number, after: string): string {
  const name = nameIn(database);
  const from = `${after} join given g using (n)`;
  if ('insert' in write) return insertText(database, write, from, index);
  const found = `cross join lateral ${rowText(tableOf(write), `k${index}`, name)} as k`;
  if ('delete' in write)
    return `delete from ${name(write.delete)} as t using ${from} ${found} where ${matches(write.where, name)}`;
  const set = Object.keys(write.set).map((column) => `${name(column)} = v.${name(column)}`);
  const become = `cross join lateral ${rowText(write.update, `v${index}`, name)} as v`;
  return `update ${name(write.update)} as t set ${set.join()} from ${from} ${found} ${become} where ${matches(write.where, name)}`;
}

/** In the order in which they were given, for who numbers rows as they come. */
function insertText(database: Database, write: InsertRows, from: string, index: number): string {
  const name = nameIn(database);
  const computed = computedOf(database, write);
  const target = [...columnsOf(write), ...computed.map(([column]) => column)].map(name).join();
  const source = [...columnsOf(write).map((column) => `r.${name(column)}`), ...computed.map(([, text]) => text)].join();
  const rows = `json_populate_recordset(null::${name(write.insert)}, g.r${index}) with ordinality as r`;
  const { insert, end } = wordsOf(database, write);
  return `${insert} ${name(write.insert)} (${target}) select ${source} from ${from} cross join lateral ${rows} order by g.n, r.ordinality${end}`;
}
