import { sql, type Kysely } from 'kysely';
import type { IndexFacts, UseCounted } from '../../index-facts.js';
import { isUsed, type Use } from '../index-use.js';
import { foreignKeys, grouped } from './foreign-keys.js';

interface Part extends Use {
  table: string;
  name: string;
  method: string;
  isUnique: number;
  column: string | null;
  length: number | null;
  direction: string | null;
  comment: string;
}

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** As statements have it, unless NO_BACKSLASH_ESCAPES is set. */
export const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** The indexes of those tables that the server may use, from the catalogue, performance_schema and InnoDB's statistics as far as they can be read. */
export async function indexFacts(db: Kysely<unknown>, tables: readonly string[]): Promise<IndexFacts[]> {
  if (tables.length === 0) return [];
  const { rows } = await sql<Part>`
    select s.*, table_name as \`table\`, index_name as name, index_type as method, non_unique = 0 as isUnique,
      column_name as \`column\`, sub_part as length, collation as direction, index_comment as comment
    from information_schema.statistics as s
    where table_schema = database() and binary table_name in (${sql.join([...tables])})
    order by table_name, index_name, seq_in_index`.execute(db);
  const [sizes, scans, keys] = [await sizesOf(db), await scansOf(db), await foreignKeys(db)];
  return [...grouped(rows.filter(isUsed), ({ table, name }) => JSON.stringify([table, name]))].map(([at, parts]) => {
    const [{ table, name, method, isUnique, comment }] = parts as [Part];
    const said = comment === '' ? '' : ` COMMENT ${literal(comment)}`;
    const columns = parts.map(({ column }) => column ?? '');
    const isPlain = columns.every((it) => it !== '');
    const list = parts.map(({ column, length, direction }) =>
      [quoted(column ?? ''), length === null ? '' : `(${length})`, direction === 'D' ? ' DESC' : ''].join(''),
    );
    const kind = method === 'FULLTEXT' || method === 'SPATIAL' ? `${method} ` : Number(isUnique) ? 'UNIQUE ' : '';
    return {
      table,
      name,
      // Two expressions cannot be told to be alike.
      keys: isPlain ? list : [`expression of ${name}`],
      included: [],
      method: method.toLowerCase(),
      isUnique: Number(isUnique) === 1,
      isPrimary: name === 'PRIMARY',
      isValid: true,
      isBuilding: false,
      isNeeded: false,
      servesForeignKey: keys.some((key) => key.table === table && beginsWith(columns, key.columns)),
      predicate: null,
      bytes: sizes.get(at) ?? null,
      scans: scans?.get(at) ?? (scans ? 0 : null),
      dropSql: `DROP INDEX ${quoted(name)} ON ${quoted(table)}`,
      createSql: isPlain ? [`CREATE ${kind}INDEX ${quoted(name)} ON ${quoted(table)} (${list.join(', ')})${said}`] : [],
    };
  });
}

const beginsWith = (columns: readonly string[], some: readonly string[]): boolean =>
  some.every((it) => columns.slice(0, some.length).includes(it));

interface Figure {
  table: string;
  name: string;
  figure: string;
}

const byIndex = (rows: readonly Figure[]): Map<string, number> =>
  new Map(rows.map(({ table, name, figure }) => [JSON.stringify([table, name]), Number(figure)]));

/** Empty where InnoDB's statistics may not be read. */
async function sizesOf(db: Kysely<unknown>): Promise<Map<string, number>> {
  return sql<Figure>`
    select table_name as \`table\`, index_name as name, stat_value * @@innodb_page_size as figure
    from mysql.innodb_index_stats where database_name = database() and stat_name = 'size'`
    .execute(db)
    .then(
      ({ rows }) => byIndex(rows),
      () => new Map(),
    );
}

/** Null where nobody counts. */
async function scansOf(db: Kysely<unknown>): Promise<Map<string, number> | null> {
  if (!(await isCounting(db))) return null;
  return sql<Figure>`
    select object_name as \`table\`, index_name as name, count_star as figure
    from performance_schema.table_io_waits_summary_by_index_usage
    where object_schema = database() and index_name is not null`
    .execute(db)
    .then(
      ({ rows }) => byIndex(rows),
      () => null,
    );
}

/** Is performance_schema on? */
export async function isCounting(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql<{ on: number }>`select @@performance_schema as \`on\``.execute(db);
  return Number(rows[0]?.on) === 1;
}

/** The use of indexes is counted from the server's start. Scans on replicas are counted there, not here. */
export async function useCounted(db: Kysely<unknown>, asOf: number): Promise<UseCounted> {
  if (!(await isCounting(db))) return { since: null, doubt: 'performance_schema is off, and counts nothing' };
  const replicas = await attachedReplicas(db);
  if (replicas === null) return { since: null, doubt: 'this user may not see whether replicas are attached' };
  if (replicas > 0)
    return { since: null, doubt: `${replicas} replicas are attached, and count the scans of their own queries` };
  const { rows } = await sql<{ Value: string }>`show global status like 'Uptime'`.execute(db);
  return { since: asOf - Number(rows[0]?.Value ?? 0) * 1000, doubt: null };
}

/** Those that follow this server's log now; null where they may not be seen. */
async function attachedReplicas(db: Kysely<unknown>): Promise<number | null> {
  return sql<{ n: number }>`
    select count(*) as n from performance_schema.threads where processlist_command like 'Binlog Dump%'`
    .execute(db)
    .then(
      ({ rows }) => Number(rows[0]?.n ?? 0),
      () => null,
    );
}
