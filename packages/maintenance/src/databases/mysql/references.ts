import { sql, type Kysely } from 'kysely';
import type { Reference, TableName } from '../rows/selection.js';
import { named, schemaOf } from './named.js';

/** A table of any schema. */
type Child = Required<TableName>;

/** The references to a table, from whatever schema. */
export async function referencesTo(db: Kysely<unknown>, name: TableName): Promise<Reference[]> {
  const references: Reference[] = [];
  for (const child of await childrenOf(db, name)) references.push(...(await referencesOf(db, child, name)));
  return references;
}

/**
 * The tables that refer to one. MariaDB opens every table of the server to tell that from the catalogue, and both servers keep
 * from a user what it has no privileges on, so InnoDB is asked first, which keeps a list of all. Where that may not be read (it
 * takes PROCESS) the catalogue is asked, about the tables that the user may see.
 */
async function childrenOf(db: Kysely<unknown>, name: TableName): Promise<Child[]> {
  const { rows } = await listed(db, name).catch(() => looked(db, name));
  return rows;
}

const listed = (db: Kysely<unknown>, name: TableName): Promise<{ rows: Child[] }> =>
  listedByMariaDb(db, name).catch(() => listedByMySql(db, name));

/** Its InnoDB spells names as those of files are. */
const listedByMariaDb = (db: Kysely<unknown>, name: TableName) =>
  sql<Child>`
    select distinct convert(cast(cast(substring_index(for_name, '/', 1) as binary) as char character set filename) using utf8mb4) as \`schema\`,
      convert(cast(cast(substring_index(for_name, '/', -1) as binary) as char character set filename) using utf8mb4) as \`table\`
    from information_schema.innodb_sys_foreign
    where ref_name = concat(cast(convert(${schemaOf(name)} using filename) as binary), '/',
      cast(convert(${name.table} using filename) as binary))
    order by 1, 2`.execute(db);

/** Since MySQL 8: names as they are, so that a slash of theirs looks like the one between them. What no table is called refers to nothing. */
async function listedByMySql(db: Kysely<unknown>, name: TableName): Promise<{ rows: Child[] }> {
  const { rows } = await sql<{ names: string }>`
    select distinct for_name as names from information_schema.innodb_foreign
    where ref_name = concat(${schemaOf(name)}, '/', ${name.table}) order by 1`.execute(db);
  const splits = ({ names }: { names: string }): Child[] =>
    [...names.matchAll(/\//g)].map(({ index }) => ({ schema: names.slice(0, index), table: names.slice(index + 1) }));
  return { rows: rows.flatMap(splits) };
}

const looked = (db: Kysely<unknown>, name: TableName) =>
  sql<Child>`
    select distinct table_schema as \`schema\`, table_name as \`table\` from information_schema.key_column_usage
    where referenced_table_schema = ${schemaOf(name)} and binary referenced_table_name = ${name.table}
    order by table_schema, table_name`.execute(db);

/** The references from one table to another, by the names of their constraints. */
async function referencesOf(db: Kysely<unknown>, child: Child, name: TableName): Promise<Reference[]> {
  const { rows } = await sql<{ name: string; own: number; childColumn: string; column: string; indexed: number }>`
    select k.constraint_name as name, k.table_schema = database() as own, k.column_name as childColumn,
      k.referenced_column_name as \`column\`,
      exists (select 1 from information_schema.statistics s where ${named(child, 's')}
        and s.column_name = k.column_name and s.seq_in_index = 1) as indexed
    from information_schema.key_column_usage k
    where ${named(child, 'k')}
      and k.referenced_table_schema = ${schemaOf(name)} and binary k.referenced_table_name = ${name.table}
    order by k.constraint_name, k.ordinal_position`.execute(db);
  const shown = await shownRules(db, child);
  // Who has privileges on tables alone sees no rules there, and of some tables nothing at all.
  const isWhole = rows.length > 0 && rows.every(({ name: constraint }) => shown.has(constraint));
  const rules = isWhole ? shown : await declaredRules(db, child);
  const byName = new Map<string, Reference & { childColumns: string[]; columns: string[] }>();
  for (const { name: constraint, own, childColumn, column, indexed } of rows) {
    const onDelete = (rules.get(constraint) ?? 'restrict').toLowerCase();
    const known = byName.get(constraint) ?? {
      child: { table: child.table, ...(!Number(own) && { schema: child.schema }) },
      childColumns: [],
      columns: [],
      onDelete: onDelete === 'cascade' || onDelete === 'set null' ? onDelete : ('restrict' as const),
      indexed: Number(indexed) === 1,
    };
    known.childColumns.push(childColumn);
    known.columns.push(column);
    byName.set(constraint, known);
  }
  return [...byName.values()];
}

/** What becomes of a table's rows when those go that they refer to, by the names of the constraints, as far as the catalogue shows it. */
async function shownRules(db: Kysely<unknown>, child: Child): Promise<Map<string, string>> {
  const { rows } = await sql<{ name: string; rule: string }>`
    select constraint_name as name, delete_rule as rule from information_schema.referential_constraints
    where constraint_schema = ${child.schema} and table_name = ${child.table}`.execute(db);
  return new Map(rows.map(({ name, rule }) => [name, rule]));
}

const declaration =
  /^ *CONSTRAINT (?:`((?:[^`]|``)+)`|"((?:[^"]|"")+)") FOREIGN KEY .*?(?:\) ON DELETE ([A-Z ]+?))?(?: ON UPDATE [A-Z ]+)?,?$/;

/**
 * The same as the table is declared. Who may not see that must not be told that nothing refers: it rejects.
 */
async function declaredRules(db: Kysely<unknown>, child: Child): Promise<Map<string, string>> {
  const { rows } = await sql<Record<'Create Table', string>>`
    show create table ${sql.id(child.schema, child.table)}`
    .execute(db)
    .catch((error: unknown) => {
      // It went meanwhile, or is what an ALTER TABLE is making.
      if ((error as { code?: unknown }).code !== 'ER_NO_SUCH_TABLE') throw error;
      return { rows: [] };
    });
  const lines = rows[0]?.['Create Table'].split('\n') ?? [];
  return new Map(
    lines.flatMap((line) => {
      const [, plain, ansi, rule = 'RESTRICT'] = declaration.exec(line) ?? [];
      const constraint = plain?.replaceAll('``', '`') ?? ansi?.replaceAll('""', '"');
      return constraint === undefined ? [] : [[constraint, rule]];
    }),
  );
}
