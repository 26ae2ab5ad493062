import { sql, type Kysely } from 'kysely';
import type { IndexFinding, SlowQueries, SlowQuery } from '../database.js';
import { tableOid } from './catalogue.js';

/** Indexes that are invalid, never scanned since the statistics began, or the same as another. */
export async function adviseIndexes(db: Kysely<unknown>, tables: readonly string[]): Promise<IndexFinding[]> {
  const findings: IndexFinding[] = [];
  for (const table of tables) {
    const { rows } = await sql<Omit<IndexFinding, 'table' | 'note'> & { twin: string | null }>`
      select name as index, bytes, twin,
        case when not valid then 'invalid' when twin is not null then 'duplicate' else 'unused' end as finding
      from (
        select c.relname as name, pg_relation_size(c.oid) as bytes, i.indisvalid as valid,
          not i.indisunique and coalesce(s.idx_scan, 0) = 0 as unused,
          (select min(other.relname) from pg_catalog.pg_index j join pg_catalog.pg_class other on other.oid = j.indexrelid
            where j.indrelid = i.indrelid and j.indexrelid < i.indexrelid and j.indkey = i.indkey and j.indclass = i.indclass
              and j.indcollation = i.indcollation and j.indoption = i.indoption and not i.indisprimary
              and i.indexprs is null and j.indexprs is null and i.indpred is null and j.indpred is null
              and (j.indisunique or not i.indisunique)) as twin
        from pg_catalog.pg_index i
        join pg_catalog.pg_class c on c.oid = i.indexrelid
        left join pg_catalog.pg_stat_all_indexes s on s.indexrelid = i.indexrelid
        where i.indrelid = ${tableOid(table)}::oid
      ) as indexes where not valid or twin is not null or unused order by name`.execute(db);
    for (const { twin, ...found } of rows)
      findings.push({ ...found, table, bytes: Number(found.bytes), note: notes[found.finding](twin) });
  }
  return findings;
}

const notes: Record<IndexFinding['finding'], (twin: string | null) => string> = {
  invalid: () => 'Left over by an interrupted build; queries do not use it, writes keep it up.',
  duplicate: (twin) => `The same columns as ${twin}.`,
  unused: () => 'No scan since the statistics were last reset, on this server; replicas count apart.',
};

/** From pg_stat_statements, of this database. */
export async function slowQueries(db: Kysely<unknown>, limit: number): Promise<SlowQueries> {
  const { rows: installed } = await sql<{ there: boolean }>`
    select exists (select 1 from pg_catalog.pg_extension where extname = 'pg_stat_statements') as there`.execute(db);
  if (!installed[0]?.there) return { available: false, reason: 'pg_stat_statements is not installed', queries: [] };
  try {
    const { rows } = await sql<SlowQuery>`
      select left(query, 500) as query, calls, mean_exec_time as "meanMs" from pg_stat_statements
      where dbid = (select oid from pg_catalog.pg_database where datname = current_database())
      order by mean_exec_time desc limit ${limit}`.execute(db);
    const queries = rows.map((row) => ({ query: row.query, calls: Number(row.calls), meanMs: Number(row.meanMs) }));
    return { available: true, reason: null, queries };
  } catch {
    // Installed, but not preloaded, or this role may not read it.
    return { available: false, reason: 'pg_stat_statements cannot be read', queries: [] };
  }
}
