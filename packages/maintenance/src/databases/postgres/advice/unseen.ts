import { sql, type Kysely } from 'kysely';
import { among } from './scope.js';

interface Row {
  tables: string[];
  sequences: string[];
  seesSessions: boolean;
}

const shown = 10;
const listed = (names: readonly string[]): string =>
  names.length <= shown ? names.join(', ') : `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`;

/**
 * What PostgreSQL leaves out, and says nothing of, for the role has not the privileges; with those. For people. By CASE, for to
 * ask that of what is no sequence is an error, and conditions have no order.
 */
export async function unseen(db: Kysely<unknown>, oids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<Row>`
    select array(select c.relname::text from pg_catalog.pg_class c where c.oid = ${among(oids)}
        and not pg_catalog.has_table_privilege(c.oid, 'SELECT') order by 1) as tables,
      array(select distinct s.relname::text from pg_catalog.pg_depend d
        join pg_catalog.pg_class s on s.oid = d.objid
        where d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
          and d.deptype in ('a', 'i') and d.refobjid = ${among(oids)}
          and case s.relkind when 'S' then not pg_catalog.has_sequence_privilege(s.oid, 'SELECT, USAGE') else false end
        order by 1) as sequences,
      pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') as "seesSessions"`.execute(db);
  const [{ tables, sequences, seesSessions }] = rows as [Row];
  return [
    ...(tables.length === 0
      ? []
      : [
          `The bloat of tables that this role may not read is not judged (missing: GRANT SELECT ON ${listed(tables)}).`,
        ]),
    ...(sequences.length === 0
      ? []
      : [`How far sequences are used up is not judged (missing: GRANT SELECT ON SEQUENCE ${listed(sequences)}).`]),
    ...(seesSessions ? [] : ['Transactions of other roles are not seen (missing: GRANT pg_read_all_stats).']),
  ];
}
