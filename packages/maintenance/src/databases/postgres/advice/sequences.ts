import { sql, type Kysely } from 'kysely';
import type { AdviceLimits } from '../../advice.js';
import { finding, type Finding } from '../../finding.js';
import { families, isTypeRefused } from './refused-types.js';
import { among } from './scope.js';

interface Row {
  table: string;
  column: string;
  qualified: string;
  quoted: string;
  sequence: string;
  columnType: string;
  isFixed: boolean;
  sequenceType: string;
  last: string;
  most: string;
}

/** What a column of that type can hold at most. */
const columnMost: Record<string, number> = { smallint: 32_767, integer: 2_147_483_647 };

/** Sequences that columns of those tables own or have in their default, and that come to the end of their own numbers or the column's. */
export async function adviseSequences(
  db: Kysely<unknown>,
  oids: readonly string[],
  { exhaustedShare }: AdviceLimits,
): Promise<Finding[]> {
  const { rows } = await sql<Row>`
    with recursive ${families(oids)}
    select t.relname as "table", a.attname as "column", pg_catalog.format('%I.%I', n.nspname, t.relname) as qualified,
      pg_catalog.quote_ident(a.attname) as quoted, pg_catalog.format('%I.%I', s.schemaname, s.sequencename) as sequence,
      pg_catalog.format_type(a.atttypid, a.atttypmod) as "columnType", ${isTypeRefused} as "isFixed", s.data_type::text as "sequenceType",
      s.last_value as last, s.max_value as most
    from (
      select objid as sequence, refobjid as owner, refobjsubid as attnum from pg_catalog.pg_depend
      where classid = 'pg_catalog.pg_class'::regclass and refclassid = 'pg_catalog.pg_class'::regclass
        and deptype in ('a', 'i') and refobjid = ${among(oids)}
      union
      select u.refobjid, a.adrelid, a.adnum from pg_catalog.pg_attrdef a
      join pg_catalog.pg_depend u on u.classid = 'pg_catalog.pg_attrdef'::regclass and u.objid = a.oid
        and u.refclassid = 'pg_catalog.pg_class'::regclass
      where a.adrelid = ${among(oids)}
    ) d
    join pg_catalog.pg_class c on c.oid = d.sequence and c.relkind = 'S'
    join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
    join pg_catalog.pg_sequences s on s.schemaname = cn.nspname and s.sequencename = c.relname
    join pg_catalog.pg_class t on t.oid = d.owner
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = d.attnum
    where s.last_value is not null and s.increment_by > 0 and not s.cycle
      -- Told of the table that it is inherited from, where that is looked at.
      and not (a.attinhcount > 0 and exists (
        select 1 from pg_catalog.pg_inherits h where h.inhrelid = t.oid and h.inhparent = ${among(oids)}))
    order by 1, 2`.execute(db);
  return rows.flatMap((row) => {
    const columnEnd = columnMost[row.columnType] ?? Infinity;
    const most = Math.min(Number(row.most), columnEnd);
    const share = Number(row.last) / most;
    if (share < exhaustedShare) return [];
    const { table, column, columnType, sequenceType } = row;
    const { risk, ...statements } = remedyOf(row, columnEnd);
    return [
      finding({
        table,
        object: column,
        kind: 'sequence_exhaustion',
        severity: share >= 0.9 ? 'critical' : 'warning',
        message: `${Math.floor(share * 1000) / 10} % of the numbers for ${table}.${column} are used up; at the end, inserts fail.`,
        evidence: { lastValue: row.last, mostValue: String(most), columnType, sequenceType },
        risk,
        ...statements,
      }),
    ];
  });
}

/** Both are made as wide as they need be, and may be. */
function remedyOf(
  { qualified, quoted, sequence, columnType, sequenceType, isFixed, most }: Row,
  columnEnd: number,
): Pick<Finding, 'applySql' | 'undoSql' | 'risk'> {
  const isNarrow = columnEnd < Infinity;
  const widens = isNarrow && !isFixed;
  const column = (type: string): string[] =>
    widens ? [`ALTER TABLE ${qualified} ALTER COLUMN ${quoted} TYPE ${type}`] : [];
  // It may count further than it could before, but no further than the column holds.
  const counts = widens || (sequenceType in columnMost && Number(most) < columnEnd);
  const risk = widens
    ? 'Changing the column’s type locks everybody out while the table is written anew; columns that refer to it want the same.'
    : isNarrow
      ? `PostgreSQL refuses to change the column’s type ${columnType} as it is: it is inherited, rows are divided by it, or a view, trigger, policy, function, publication or generated column goes by it. Those have to go first, or a new table takes its place.`
      : 'What the column, or who reads it, takes for the longest number is to be looked at first.';
  return {
    risk,
    applySql: counts ? [...column('bigint'), `ALTER SEQUENCE ${sequence} AS bigint NO MAXVALUE`] : [],
    undoSql: counts ? [`ALTER SEQUENCE ${sequence} AS ${sequenceType} MAXVALUE ${most}`, ...column(columnType)] : [],
  };
}
