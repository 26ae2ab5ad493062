import { sql, type Kysely } from 'kysely';
import type { AdviceLimits } from '../../advice.js';
import { finding, type Finding } from '../../finding.js';
import { among, epochMs } from './scope.js';

interface Row {
  table: string;
  qualified: string;
  live: string;
  dead: string;
  changed: string;
  analyzed: string | null;
  vacuumed: string | null;
}

/** Tables whose statistics are old, or whose dead rows nobody cleared away. */
export async function adviseStatistics(
  db: Kysely<unknown>,
  oids: readonly string[],
  limits: AdviceLimits,
): Promise<Finding[]> {
  const { rows } = await sql<Row>`
    select relname as "table", pg_catalog.format('%I.%I', schemaname, relname) as qualified, n_live_tup as live,
      n_dead_tup as dead, n_mod_since_analyze as changed,
      ${epochMs(sql`greatest(last_analyze, last_autoanalyze)`)} as analyzed,
      ${epochMs(sql`greatest(last_vacuum, last_autovacuum)`)} as vacuumed
    from pg_catalog.pg_stat_all_tables where relid = ${among(oids)} order by 1`.execute(db);
  return rows.flatMap((row) => [...stale(row, limits), ...dead(row, limits)]);
}

function stale({ table, qualified, ...row }: Row, { staleRows, staleShare }: AdviceLimits): Finding[] {
  const [live, changed] = [Number(row.live), Number(row.changed)];
  if (changed < staleRows || changed < staleShare * live) return [];
  return [
    finding({
      table,
      kind: 'stale_statistics',
      severity: 'warning',
      message: `${changed} rows of ${table} have changed since it was analysed: the planner guesses.`,
      evidence: { rows: live, changed, analyzedAt: row.analyzed === null ? null : Number(row.analyzed) },
      risk: 'Reads a sample of the table; plans may change.',
      applySql: [`ANALYZE ${qualified}`],
    }),
  ];
}

function dead({ table, qualified, ...row }: Row, { deadRows, deadShare }: AdviceLimits): Finding[] {
  const [live, gone] = [Number(row.live), Number(row.dead)];
  if (gone < deadRows || gone < deadShare * (live + gone)) return [];
  return [
    finding({
      table,
      kind: 'dead_rows',
      severity: 'warning',
      message: `${gone} dead rows lie in ${table}: autovacuum does not keep up, or something holds it back.`,
      evidence: { rows: live, deadRows: gone, vacuumedAt: row.vacuumed === null ? null : Number(row.vacuumed) },
      risk: 'Reads the table and its indexes once; readers and writers do not wait. Rows that an old transaction may still see stay.',
      applySql: [`VACUUM (ANALYZE) ${qualified}`],
    }),
  ];
}
