import { sql, type Kysely } from 'kysely';

/** Groups the rows of one query by a member of theirs, in their order. */
export function grouped<Row>(rows: readonly Row[], by: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(by(row), [...(groups.get(by(row)) ?? []), row]);
  return groups;
}

/** Columns that stand on one side of a foreign key. */
export interface KeyColumns {
  table: string;
  columns: string[];
}

type Row = Record<'name' | 'table' | 'column', string>;

/** The columns that refer to others, and those that are referred to: InnoDB needs an index on both. */
export async function foreignKeys(db: Kysely<unknown>): Promise<KeyColumns[]> {
  const sides = [await referring(db), await referredTo(db)];
  return sides.flatMap((rows) =>
    [...grouped(rows, ({ table, name }) => JSON.stringify([table, name])).values()].map((parts) => ({
      table: (parts as [Row])[0].table,
      columns: parts.map(({ column }) => column),
    })),
  );
}

async function referring(db: Kysely<unknown>): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select constraint_name as name, table_name as \`table\`, column_name as \`column\`
    from information_schema.key_column_usage
    where table_schema = database() and referenced_table_name is not null
    order by table_name, constraint_name, ordinal_position`.execute(db);
  return rows;
}

/**
 * From whatever database. InnoDB is asked first, whose list opens no tables; where that may not be read (it takes PROCESS), the
 * catalogue, about the tables that the user may see.
 */
async function referredTo(db: Kysely<unknown>): Promise<Row[]> {
  const { rows } = await listedByMariaDb(db)
    .catch(() => listedByMySql(db))
    .catch(() => looked(db));
  return rows;
}

/** Its InnoDB spells names of tables as those of files are. */
const listedByMariaDb = (db: Kysely<unknown>) =>
  sql<Row>`
    select f.id as name, c.ref_col_name as \`column\`,
      convert(cast(cast(substring_index(f.ref_name, '/', -1) as binary) as char character set filename) using utf8mb4) as \`table\`
    from information_schema.innodb_sys_foreign f join information_schema.innodb_sys_foreign_cols c on c.id = f.id
    where substring_index(f.ref_name, '/', 1) = cast(convert(database() using filename) as binary)
    order by f.id, c.pos`.execute(db);

/** Since MySQL 8: names as they are. */
const listedByMySql = (db: Kysely<unknown>) =>
  sql<Row>`
    select f.id as name, c.ref_col_name as \`column\`, substr(f.ref_name, char_length(database()) + 2) as \`table\`
    from information_schema.innodb_foreign f join information_schema.innodb_foreign_cols c on c.id = f.id
    where left(f.ref_name, char_length(database()) + 1) = concat(database(), '/')
    order by f.id, c.pos`.execute(db);

const looked = (db: Kysely<unknown>) =>
  sql<Row>`
    select concat(table_schema, '/', constraint_name) as name, referenced_column_name as \`column\`,
      referenced_table_name as \`table\`
    from information_schema.key_column_usage where referenced_table_schema = database()
    order by table_schema, table_name, constraint_name, ordinal_position`.execute(db);
