import { sql, type Kysely } from 'kysely';
import type { AdviceLimits } from '../../advice.js';
import { finding, type Finding } from '../../finding.js';
import { foreignKeys } from './foreign-keys.js';
import { literal } from './indexes.js';

const dayMs = 86_400_000;
/** Statistics of a table that changes are renewed by InnoDB itself long before. */
const staleMs = 30 * dayMs;

/** Bytes of the types that counters have. */
const widths: Record<string, bigint> = { tinyint: 1n, smallint: 2n, mediumint: 3n, int: 4n, bigint: 8n };

/** The last number that a counter of a type gives, e.g. of `int(10) unsigned`; null for those that are no integers. */
function lastNumber(type: string): bigint | null {
  const width = widths[/^[a-z]+/.exec(type)?.[0] ?? ''];
  if (width === undefined) return null;
  const isUnsigned = type.includes('unsigned');
  const greatest = 2n ** (8n * width - (isUnsigned ? 0n : 1n)) - 1n;
  // InnoDB keeps the next number in 64 bits: that after the greatest there would be none.
  return isUnsigned && width === 8n ? greatest - 1n : greatest;
}

const id = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Tables with much free inside, and counters that come to their end. */
export async function adviseTables(
  db: Kysely<unknown>,
  tables: readonly string[],
  { bloatBytes, bloatShare, exhaustedShare }: AdviceLimits,
): Promise<Finding[]> {
  if (tables.length === 0) return [];
  const { rows } = await sql<
    Record<'table' | 'bytes' | 'free', string> & Record<'next' | 'column' | 'type' | 'comment' | 'extra', string | null>
  >`
    select t.table_name as \`table\`, t.data_length + t.index_length as bytes, t.data_free as free,
      cast(t.auto_increment as char) as next, c.column_name as \`column\`, c.column_type as type,
      c.column_comment as comment, c.extra as extra
    from information_schema.tables t
    left join information_schema.columns c on c.table_schema = t.table_schema and c.table_name = t.table_name
      and c.extra like '%auto_increment%'
    where t.table_schema = database() and binary t.table_name in (${sql.join([...tables])}) order by t.table_name`.execute(
    db,
  );
  const [keys, worded] = [await foreignKeys(db), await tablesOfWords(db)];
  return rows.flatMap(({ table, next, column, type, comment, extra, ...row }) => {
    const [bytes, free, hasWords] = [Number(row.bytes), Number(row.free), worded.has(table)];
    const found: Finding[] = [];
    if (free >= bloatBytes && free >= bloatShare * (bytes + free))
      found.push(
        finding({
          table,
          kind: 'bloated_table',
          message: `${Math.round(free / 1_048_576)} MiB of ${table} are free inside: they will be used for new rows.`,
          evidence: { bytes, freeBytes: free },
          // An index of words is not built beside writers.
          risk: `Writes the table anew, ${hasWords ? 'while its writers wait' : 'beside its readers and writers'}, and needs room for it. Leave it, if the table will grow into it.`,
          applySql: [`ALTER TABLE ${id(table)} FORCE${hasWords ? '' : ', ALGORITHM=INPLACE, LOCK=NONE'}`],
          bytes: free,
        }),
      );
    const last = lastNumber(type ?? '');
    if (last === null || column === null) return found;
    const share = Number(next) / Number(last);
    const hidden = /\binvisible\b/i.test(extra ?? '') ? ' INVISIBLE' : '';
    const keeps = `NOT NULL AUTO_INCREMENT${hidden}${comment ? ` COMMENT ${literal(comment)}` : ''}`;
    if (share < exhaustedShare) return found;
    const isOfKey = keys.some((key) => key.table === table && key.columns.includes(column));
    const retyped = (as: string): string[] =>
      type?.startsWith('bigint') || isOfKey ? [] : [`ALTER TABLE ${id(table)} MODIFY ${id(column)} ${as} ${keeps}`];
    found.push(
      finding({
        table,
        object: column,
        kind: 'sequence_exhaustion',
        severity: share >= 0.9 ? 'critical' : 'warning',
        message: `${Math.floor(share * 1000) / 10} % of the numbers for ${table}.${column} are used up; at the end, inserts fail.`,
        evidence: { nextValue: next, mostValue: String(last), columnType: type },
        risk: isOfKey
          ? 'The server refuses another type while a foreign key is about the column: the keys go first, all columns that they are about get the new type, and the keys come back.'
          : 'Writes the table anew; writers wait meanwhile. Columns that refer to it want the same.',
        applySql: retyped('BIGINT UNSIGNED'),
        undoSql: retyped(type ?? ''),
      }),
    );
    return found;
  });
}

/** Tables with an index of words. */
async function tablesOfWords(db: Kysely<unknown>): Promise<Set<string>> {
  const { rows } = await sql<{ name: string }>`
    select distinct table_name as name from information_schema.statistics
    where table_schema = database() and index_type = 'FULLTEXT'`.execute(db);
  return new Set(rows.map(({ name }) => name));
}

/** Tables that changed, and whose statistics InnoDB has not renewed for a month. Needs to read `mysql.innodb_table_stats`. */
export async function adviseStatistics(
  db: Kysely<unknown>,
  tables: readonly string[],
  asOf: number,
): Promise<Finding[]> {
  if (tables.length === 0) return [];
  const { rows } = await sql<{ table: string; ageSeconds: string; rows: string }>`
    select s.table_name as \`table\`, timestampdiff(second, s.last_update, from_unixtime(${sql.lit(asOf)} / 1000)) as ageSeconds,
      s.n_rows as \`rows\`
    from mysql.innodb_table_stats s
    join information_schema.tables t on t.table_schema = s.database_name and t.table_name = s.table_name
    where s.database_name = database() and binary s.table_name in (${sql.join([...tables])}) and t.update_time > s.last_update
    order by s.table_name`.execute(db);
  return rows
    .filter(({ ageSeconds }) => Number(ageSeconds) * 1000 >= staleMs)
    .map(({ table, ...row }) =>
      finding({
        table,
        kind: 'stale_statistics',
        severity: 'warning',
        message: `${table} has changed since its statistics were made, ${Math.floor(Number(row.ageSeconds) / 86_400)} days ago: the planner guesses.`,
        evidence: { rows: Number(row.rows), ageSeconds: Number(row.ageSeconds) },
        risk: 'Reads a sample of the table; plans may change.',
        applySql: [`ANALYZE TABLE ${id(table)}`],
      }),
    );
}

/** Tables whose rows nothing tells apart. */
export async function advisePrimaryKeys(db: Kysely<unknown>, tables: readonly string[]): Promise<Finding[]> {
  if (tables.length === 0) return [];
  const { rows } = await sql<{ table: string; rows: string }>`
    select t.table_name as \`table\`, t.table_rows as \`rows\` from information_schema.tables t
    where t.table_schema = database() and binary t.table_name in (${sql.join([...tables])}) and not exists (
      select 1 from information_schema.statistics s
      where s.table_schema = t.table_schema and s.table_name = t.table_name and s.index_name = 'PRIMARY')
    order by t.table_name`.execute(db);
  return rows.map(({ table, ...row }) =>
    finding({
      table,
      kind: 'table_without_primary_key',
      severity: 'warning',
      message: `${table} has no primary key: InnoDB keeps one that nobody can name, and replicas search every row.`,
      evidence: { rows: Number(row.rows) },
      risk: 'A key of a new column writes the whole table anew.',
    }),
  );
}
