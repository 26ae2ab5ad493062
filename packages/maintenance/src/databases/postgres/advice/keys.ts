import { sql, type Kysely } from 'kysely';
import { finding, type Finding } from '../../finding.js';
import { freeIndexName } from '../../free-name.js';
import { among } from './scope.js';

/**
 * Foreign keys whose columns no index begins with, in whatever order. A partial index counts when all that it leaves
 * out is null: a look-up by the key never wants null.
 */
export async function adviseForeignKeys(db: Kysely<unknown>, oids: readonly string[]): Promise<Finding[]> {
  const { rows } = await sql<
    Record<'table' | 'name' | 'target' | 'qualified' | 'columns' | 'schema', string> & { isPartitioned: boolean }
  >`
    select t.relname as "table", f.conname as name, t.relkind = 'p' as "isPartitioned", f.confrelid::regclass::text as target,
      pg_catalog.format('%I', n.nspname) as schema, pg_catalog.format('%I.%I', n.nspname, t.relname) as qualified,
      (select string_agg(pg_catalog.quote_ident(a.attname), ', ' order by k.place)
        from unnest(f.conkey) with ordinality as k(attnum, place)
        join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum) as columns
    from pg_catalog.pg_constraint f
    join pg_catalog.pg_class t on t.oid = f.conrelid
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
    where f.contype = 'f' and f.conparentid = 0 and f.conrelid = ${among(oids)} and not exists (
      select 1 from pg_catalog.pg_index i
      where i.indrelid = f.conrelid and i.indisvalid and i.indnkeyatts >= cardinality(f.conkey)
        and f.conkey <@ (i.indkey::int2[])[0:cardinality(f.conkey) - 1]
        and (i.indpred is null or replace(replace(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '(', ''), ')', '') in (
          select string_agg(pg_catalog.quote_ident(a.attname) || ' IS NOT NULL', ' AND ' order by k.place)
          from unnest(f.conkey) with ordinality as k(attnum, place)
          join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum)))
    order by 1, 2`.execute(db);
  const taken = await indexNames(db, oids);
  return rows.map(({ table, name, target, qualified, columns, schema, isPartitioned }) => {
    const plain = `${table}_${columns}`.replace(/\W+/g, '_');
    const index = `"${freeIndexName(plain, taken, longestName)}"`;
    return finding({
      table,
      object: name,
      kind: 'foreign_key_without_index',
      message: `No index begins with ${columns}: each delete or change of a key in ${target} reads all of ${table}.`,
      evidence: { columns, references: target },
      risk: `Every write will keep one more index up. Not needed where rows of the other table never go.${isPartitioned ? ' To be made part by part: CREATE INDEX … ON ONLY; for each partition CREATE INDEX CONCURRENTLY and ALTER INDEX … ATTACH PARTITION.' : ''}`,
      ...(!isPartitioned && {
        applySql: [`CREATE INDEX CONCURRENTLY ${index} ON ${qualified} (${columns})`],
        undoSql: [`DROP INDEX CONCURRENTLY ${schema}.${index}`],
      }),
    });
  });
}

/** Bytes. */
const longestName = 63;

/** The names that the schemas of those tables have already, as far as an index could be given them. */
async function indexNames(db: Kysely<unknown>, oids: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ name: string }>`
    select distinct lower(c.relname) as name from pg_catalog.pg_class c where c.relname ~* '_idx[0-9]*$'
      and c.relnamespace in (select t.relnamespace from pg_catalog.pg_class t where t.oid = ${among(oids)})`.execute(
    db,
  );
  return new Set(rows.map(({ name }) => name));
}

/** Tables whose rows nothing tells apart: they can be neither replicated by rows nor cleaned in batches. */
export async function advisePrimaryKeys(db: Kysely<unknown>, oids: readonly string[]): Promise<Finding[]> {
  const { rows } = await sql<
    Record<'table' | 'qualified' | 'rows', string> &
      Record<'candidate' | 'definition', string | null> & { isPartitioned: boolean }
  >`
    select t.relname as "table", t.relkind = 'p' as "isPartitioned", pg_catalog.format('%I.%I', n.nspname, t.relname) as qualified,
      greatest(t.reltuples, 0)::bigint as rows,
      k.name as candidate, k.definition
    from pg_catalog.pg_class t join pg_catalog.pg_namespace n on n.oid = t.relnamespace
    left join lateral (
      select pg_catalog.quote_ident(c.relname) as name, pg_catalog.pg_get_indexdef(c.oid) as definition
      from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
      where i.indrelid = t.oid and i.indisunique and i.indimmediate and i.indisvalid and i.indpred is null
        and i.indexprs is null and not exists (select 1 from pg_catalog.pg_attribute a where a.attrelid = t.oid
          and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1]) and not a.attnotnull)
        and not exists (select 1 from pg_catalog.pg_constraint n where n.conindid = c.oid)
      order by c.relname limit 1) k on true
    where t.oid = ${among(oids)} and not t.relispartition
      and not exists (select 1 from pg_catalog.pg_index i where i.indrelid = t.oid and i.indisprimary)
    order by 1`.execute(db);
  return rows.map(({ table, isPartitioned, qualified, candidate, definition, ...row }) =>
    finding({
      table,
      kind: 'table_without_primary_key',
      severity: 'warning',
      message: `${table} has no primary key.`,
      evidence: { rows: Number(row.rows), uniqueIndex: candidate },
      ...(isPartitioned ? partByPart : usingIndex(qualified, candidate, definition)),
    }),
  );
}

const partByPart = {
  risk: 'By itself it would keep all writers waiting. Part by part: ALTER TABLE ONLY … ADD PRIMARY KEY; for each partition CREATE UNIQUE INDEX CONCURRENTLY, ADD PRIMARY KEY USING INDEX, and ALTER INDEX … ATTACH PARTITION.',
};

const usingIndex = (table: string, candidate: string | null, definition: string | null) =>
  candidate === null || definition === null
    ? { risk: 'A key of a new column writes the whole table anew.' }
    : {
        risk: 'Locks the table for a moment; the index takes the name of the key.',
        applySql: [`ALTER TABLE ${table} ADD PRIMARY KEY USING INDEX ${candidate}`],
        undoSql: [`ALTER TABLE ${table} DROP CONSTRAINT ${candidate}`, definition],
      };
