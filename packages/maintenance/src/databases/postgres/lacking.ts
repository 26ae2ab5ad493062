import { sql, type Kysely } from 'kysely';
import { tableLabel } from '../rows/due.js';
import type { Want } from '../rows/dialect.js';
import { tableOid } from './catalogue.js';

/** The GRANTs that this role would need for all that is wanted, and has not. */
export async function lacking(db: Kysely<unknown>, wants: readonly Want[]): Promise<string[]> {
  const grants: string[] = [];
  for (const { table, privileges } of wants) {
    const oid = sql`${tableOid(table.table, table.schema)}::oid`;
    const { rows } = await sql<{ schema: string; mayUse: boolean; lacks: string[] }>`
      select n.nspname as schema, pg_catalog.has_schema_privilege(n.oid, 'USAGE') as "mayUse",
        array(select p from unnest(${[...privileges]}::text[]) as p where not pg_catalog.has_table_privilege(c.oid, p)) as lacks
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = ${oid}`.execute(
      db,
    );
    for (const { schema, mayUse, lacks } of rows) {
      if (!mayUse) grants.push(`GRANT USAGE ON SCHEMA ${schema}`);
      if (lacks.length > 0) grants.push(`GRANT ${lacks.join(', ')} ON ${tableLabel(table)}`);
    }
  }
  return [...new Set(grants)];
}
