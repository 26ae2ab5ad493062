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
 * The tables that refer to one. MariaDB opens every table of the server to tell that from the catalogue, so InnoDB is asked
 * first, which keeps a list. Where there is none (MySQL 8, which opens nothing) or it may not be read (it takes PROCESS) the
 * catalogue is asked, about the schemas that the user may see.
 */
async function childrenOf(db: Kysely<unknown>, name: TableName): Promise<Child[]> {
  const { rows } = await listed(db, name).catch(() => looked(db, name));
  return rows;
}

/** InnoDB spells names as those of files are. */
const listed = (db: Kysely<unknown>, name: TableName) =>
  sql<Child>`
    select distinct convert(cast(cast(substring_index(for_name, '/', 1) as binary) as char character set filename) using utf8mb4) as \`schema\`,
      convert(cast(cast(substring_index(for_name, '/', -1) as binary) as char character set filename) using utf8mb4) as \`table\`
    from information_schema.innodb_sys_foreign
    where ref_name = concat(cast(convert(${schemaOf(name)} using filename) as binary), '/',
      cast(convert(${name.table} using filename) as binary))
    order by 1, 2`.execute(db);

const looked = (db: Kysely<unknown>, name: TableName) =>
  sql<Child>`
    select distinct table_schema as \`schema\`, table_name as \`table\` from information_schema.key_column_usage
    where referenced_table_schema = ${schemaOf(name)} and binary referenced_table_name = ${name.table}
    order by table_schema, table_name`.execute(db);

/** The references from one table to another, by the names of their constraints. */
async function referencesOf(db: Kysely<unknown>, child: Child, name: TableName): Promise<Reference[]> {
  const { rows } = await sql<{
    name: string;
    own: number;
    childColumn: string;
    column: string;
    rule: string;
    indexed: number;
  }>`
    select k.constraint_name as name, k.table_schema = database() as own, k.column_name as childColumn,
      k.referenced_column_name as \`column\`, r.delete_rule as rule,
      exists (select 1 from information_schema.statistics s where ${named(child, 's')}
        and s.column_name = k.column_name and s.seq_in_index = 1) as indexed
    from information_schema.key_column_usage k
    join information_schema.referential_constraints r
      on r.constraint_schema = ${child.schema} and r.table_name = ${child.table} and r.constraint_name = k.constraint_name
    where ${named(child, 'k')}
      and k.referenced_table_schema = ${schemaOf(name)} and binary k.referenced_table_name = ${name.table}
    order by k.constraint_name, k.ordinal_position`.execute(db);
  const byName = new Map<string, Reference & { childColumns: string[]; columns: string[] }>();
  for (const { name: constraint, own, childColumn, column, rule, indexed } of rows) {
    const onDelete = rule.toLowerCase();
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
