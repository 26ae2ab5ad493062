import { sql, type Kysely, type RawBuilder } from 'kysely';

/** The tables in the connection's search path, exactly by name, or all of them; not those of the system. */
export async function tableOids(
  db: Kysely<unknown>,
  names: readonly string[] | null,
): Promise<{ name: string; oid: string }[]> {
  const { rows } = await sql<{ name: string; oid: string }>`
    select c.relname as name, c.oid::text as oid from pg_catalog.pg_class c
    where c.relkind in ('r', 'p') and c.relpersistence <> 't' and pg_catalog.pg_table_is_visible(c.oid)
      and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      ${names === null ? sql`` : sql`and c.relname = any(${[...names]}::text[])`}
    order by 1`.execute(db);
  return rows;
}

/** The oids as an array to compare with. */
export const among = (oids: readonly string[]): RawBuilder<unknown> => sql`any(${[...oids]}::oid[])`;

/** An instant as epoch ms. */
export const epochMs = (instant: RawBuilder<unknown>): RawBuilder<string | null> =>
  sql`cast(extract(epoch from ${instant}) * 1000 as bigint)`;

/** `1.5 GB`, for people. */
export function inMegabytes(bytes: number): string {
  return bytes >= 1_073_741_824 ? `${(bytes / 1_073_741_824).toFixed(1)} GiB` : `${Math.round(bytes / 1_048_576)} MiB`;
}
