import { sql, type Kysely } from 'kysely';
import type { IndexFacts, UseCounted } from '../../index-facts.js';
import { among, epochMs } from './scope.js';

interface Row extends Omit<IndexFacts, 'bytes' | 'scans' | 'createSql'> {
  bytes: string;
  scans: string;
  definition: string;
  comment: string | null;
}

/** The indexes of those tables, from the catalogue and the statistics. */
export async function indexFacts(db: Kysely<unknown>, oids: readonly string[]): Promise<IndexFacts[]> {
  const { rows } = await sql<Row>`
    select t.relname as "table", c.relname as name, am.amname as method, pg_catalog.pg_get_indexdef(c.oid) as definition,
      'COMMENT ON INDEX ' || pg_catalog.format('%I.%I', n.nspname, c.relname) || ' IS '
        || pg_catalog.quote_literal(pg_catalog.obj_description(c.oid, 'pg_class')) as comment,
      (select array_agg(concat_ws(' ', pg_catalog.pg_get_indexdef(c.oid, k::int + 1, true),
          i.indclass[k], nullif(i.indcollation[k], 0), nullif(i.indoption[k], 0)) order by k)
        from generate_series(0, i.indnkeyatts - 1) as k) as keys,
      array(select pg_catalog.pg_get_indexdef(c.oid, k::int + 1, true)
        from generate_series(i.indnkeyatts, i.indnatts - 1) as k) as included,
      i.indisunique as "isUnique",
      -- Asked of the row as JSON: before 15 there is no such column.
      concat_ws(' ', case when not i.indimmediate then 'deferrable' end,
        case when (to_jsonb(i) ->> 'indnullsnotdistinct')::boolean then 'nulls not distinct' end) as uniqueness,
      i.indisprimary as "isPrimary",
      i.indisvalid and i.indisready as "isValid",
      exists (select 1 from pg_catalog.pg_locks l where l.relation = i.indrelid and l.mode = 'ShareUpdateExclusiveLock'
        and l.database = (select oid from pg_catalog.pg_database where datname = current_database())) as "isBuilding",
      i.indisreplident or c.relispartition or c.relkind = 'I'
        or exists (select 1 from pg_catalog.pg_constraint n where n.conindid = c.oid) as "isNeeded",
      c.relkind = 'I' as "isPartitioned",
      exists (select 1 from pg_catalog.pg_constraint f where f.conrelid = i.indrelid and f.contype = 'f'
        and f.conkey <@ (i.indkey::int2[])[0:cardinality(f.conkey) - 1]) as "servesForeignKey",
      pg_catalog.pg_get_expr(i.indpred, i.indrelid) as predicate,
      pg_catalog.pg_relation_size(c.oid) as bytes, coalesce(s.idx_scan, 0) as scans,
      pg_catalog.format('DROP INDEX CONCURRENTLY %I.%I', n.nspname, c.relname) as "dropSql"
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    join pg_catalog.pg_class t on t.oid = i.indrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_am am on am.oid = c.relam
    left join pg_catalog.pg_stat_all_indexes s on s.indexrelid = i.indexrelid
    where i.indrelid = ${among(oids)} order by 1, 2`.execute(db);
  return rows.map(({ definition, comment, ...row }) => ({
    ...row,
    bytes: Number(row.bytes),
    scans: Number(row.scans),
    createSql: [
      definition.replace(/^CREATE( UNIQUE)? INDEX /, 'CREATE$1 INDEX CONCURRENTLY '),
      ...(comment === null ? [] : [comment]),
    ],
  }));
}

/**
 * Since when scans are counted: the last reset, or else the later of the server's start and the database's making. Scans
 * on replicas are counted there, not here.
 */
export async function useCounted(db: Kysely<unknown>): Promise<UseCounted> {
  const { rows } = await sql<{ reset: string | null; started: string; oid: string; replicas: string }>`
    select ${epochMs(sql`s.stats_reset`)} as reset, ${epochMs(sql`pg_catalog.pg_postmaster_start_time()`)} as started,
      s.datid::text as oid, (select count(*) from pg_catalog.pg_stat_replication r where not exists (
        select 1 from pg_catalog.pg_replication_slots l where l.active_pid = r.pid and l.slot_type = 'logical')) as replicas
    from pg_catalog.pg_stat_database s where s.datname = current_database()`.execute(db);
  const [row] = rows;
  if (!row) return { since: null, doubt: 'there are no statistics' };
  const replicas = Number(row.replicas);
  if (replicas > 0)
    return { since: null, doubt: `${replicas} replicas are attached, and count the scans of their own queries` };
  if (row.reset !== null) return { since: Number(row.reset), doubt: null };
  const made = await madeAt(db, row.oid);
  return made === null
    ? { since: null, doubt: 'the statistics were never reset, and this role may not see when the database was made' }
    : { since: Math.max(Number(row.started), made), doubt: null };
}

/** Needs the right to look at the server's files; null without. */
async function madeAt(db: Kysely<unknown>, oid: string): Promise<number | null> {
  const path = `base/${oid}/PG_VERSION`;
  const { rows } = await sql<{ allowed: boolean }>`
    select has_function_privilege('pg_catalog.pg_stat_file(text, boolean)', 'execute') as allowed`.execute(db);
  if (!rows[0]?.allowed) return null;
  const found = await sql<{ at: string | null }>`
    select ${epochMs(sql`modification`)} as at from pg_catalog.pg_stat_file(${path}, true)`.execute(db);
  const at = found.rows[0]?.at ?? null;
  return at === null ? null : Number(at);
}
