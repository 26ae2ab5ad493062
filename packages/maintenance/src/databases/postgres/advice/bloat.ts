import { sql, type Kysely } from 'kysely';
import type { AdviceLimits } from '../../advice.js';
import { finding, type Finding } from '../../finding.js';
import { among, inMegabytes } from './scope.js';

interface Row {
  table: string;
  name: string | null;
  qualified: string;
  bytes: string;
  needed: string | null;
  /** Nothing builds its like beside it. */
  isExclusive: boolean;
}

/**
 * Tables and btrees that are much larger than their rows need by the planner's statistics. An estimate: widths are
 * averages, and what was never analysed is not judged.
 */
export async function adviseBloat(
  db: Kysely<unknown>,
  oids: readonly string[],
  { bloatBytes, bloatShare }: AdviceLimits,
): Promise<Finding[]> {
  const rows = [...(await tables(db, oids)), ...(await btrees(db, oids))];
  return rows.flatMap(({ table, name, qualified, isExclusive, ...row }) => {
    const [bytes, needed] = [Number(row.bytes), Number(row.needed)];
    const air = bytes - needed;
    if (row.needed === null || air < bloatBytes || air < bloatShare * bytes) return [];
    const common = {
      table,
      object: name,
      evidence: { bytes, neededBytes: needed, estimated: true },
      bytes: air,
    };
    const share = Math.round((air / bytes) * 100);
    return [
      name === null
        ? finding({
            ...common,
            kind: 'bloated_table',
            message: `About ${share} % of ${table} (${inMegabytes(air)}) is free inside: it will be used for new rows.`,
            risk: 'VACUUM FULL locks everybody out while it writes the table anew, and needs room for it. pg_repack and pg_squeeze do it beside them. Leave it, if the table will grow into it.',
            applySql: [`VACUUM (FULL, ANALYZE) ${qualified}`],
          })
        : finding({
            ...common,
            kind: 'bloated_index',
            message: `About ${share} % of ${name} (${inMegabytes(air)}) is air.`,
            risk: isExclusive
              ? 'Writers wait while it is built anew: one that stands for an exclusion constraint cannot be built beside them.'
              : 'Needs room for a second index while it lasts, and waits for transactions that are older than it.',
            applySql: [`REINDEX INDEX ${isExclusive ? '' : 'CONCURRENTLY '}${qualified}`],
          }),
    ];
  });
}

/**
 * A row takes 24 bytes of header and 4 of pointer, aligned to 8; a page has 8,168 for them, up to the fill factor. To those who
 * may read some of its columns alone pg_stats shows the widths of these: rows would seem to need less than they do.
 */
async function tables(db: Kysely<unknown>, oids: readonly string[]): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select c.relname as "table", null as name, false as "isExclusive", pg_catalog.format('%I.%I', n.nspname, c.relname) as qualified,
      pg_catalog.pg_relation_size(c.oid) as bytes,
      cast(ceil(c.reltuples * (28 + 8 * ceil(w.width / 8.0)) / (8168 * f.fill)) * 8192 as bigint) as needed
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join lateral (select sum(s.avg_width * (1 - s.null_frac)) as width from pg_catalog.pg_stats s
      where s.schemaname = n.nspname and s.tablename = c.relname and not s.inherited) w
    cross join lateral (select coalesce((select cast(split_part(o, '=', 2) as float) from unnest(c.reloptions) o
      where o like 'fillfactor=%'), 100) / 100 as fill) f
    where c.oid = ${among(oids)} and c.relkind = 'r' and c.reltuples > 0
      and pg_catalog.has_table_privilege(c.oid, 'SELECT') order by 1`.execute(db);
  return rows;
}

/** An entry takes 8 bytes of header and 4 of pointer, aligned to 8; a page has 8,152 for them, up to the fill factor. */
async function btrees(db: Kysely<unknown>, oids: readonly string[]): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select t.relname as "table", c.relname as name, i.indisexclusion as "isExclusive", pg_catalog.format('%I.%I', n.nspname, c.relname) as qualified,
      pg_catalog.pg_relation_size(c.oid) as bytes,
      cast((ceil(c.reltuples * (12 + 8 * ceil(w.width / 8.0)) / (8152 * f.fill)) + 2) * 8192 as bigint) as needed
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    join pg_catalog.pg_class t on t.oid = i.indrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_am am on am.oid = c.relam and am.amname = 'btree'
    cross join lateral (select sum(s.avg_width) as width, count(s.avg_width) = count(*) as known
      from pg_catalog.pg_attribute a
      left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = t.relname and s.attname = a.attname
        and not s.inherited
      where a.attrelid = t.oid and a.attnum = any(i.indkey::int2[])) w
    cross join lateral (select coalesce((select cast(split_part(o, '=', 2) as float) from unnest(c.reloptions) o
      where o like 'fillfactor=%'), 90) / 100 as fill) f
    where i.indrelid = ${among(oids)} and i.indisvalid and i.indexprs is null and c.relkind = 'i'
      and c.reltuples >= 0 and w.known order by 1, 2`.execute(db);
  return rows;
}
