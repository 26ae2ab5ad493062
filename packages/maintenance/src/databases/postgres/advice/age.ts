import { sql, type Kysely } from 'kysely';
import type { AdviceLimits } from '../../advice.js';
import { finding, type Finding } from '../../finding.js';

/** Numbers that there are before the database refuses to write. */
const wrapsAt = 2 ** 31;

const ages = [
  {
    kind: 'transaction_id_age',
    limit: 'transactionIdAge',
    what: 'transactions',
    age: sql`age(d.datfrozenxid)`,
    tableAge: sql`age(c.relfrozenxid)`,
  },
  {
    kind: 'multixact_age',
    limit: 'multixactAge',
    what: 'multixacts',
    age: sql`mxid_age(d.datminmxid)`,
    tableAge: sql`mxid_age(c.relminmxid)`,
  },
] as const;

/** How near the database is to the end of its transaction ids and multixacts, and the table that holds it back most. */
export async function adviseAge(db: Kysely<unknown>, limits: AdviceLimits): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { kind, limit, what, age, tableAge } of ages) {
    const { rows } = await sql<{ age: string; oldest: string | null; oldestAge: string | null }>`
      select ${age} as age, o.name as oldest, o.age as "oldestAge" from pg_catalog.pg_database d
      left join lateral (select pg_catalog.format('%I.%I', n.nspname, c.relname) as name, ${tableAge} as age
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'm', 't') order by 2 desc limit 1) o on true
      where d.datname = current_database()`.execute(db);
    const [row] = rows;
    const reached = Number(row?.age ?? 0);
    if (!row || reached < limits[limit]) continue;
    findings.push(
      finding({
        kind,
        severity: reached >= 0.75 * wrapsAt ? 'critical' : 'warning',
        message: `${reached} ${what} since the oldest that is not frozen: at ${wrapsAt} the database refuses to write.`,
        evidence: { age: reached, wrapsAt, oldestTable: row.oldest, oldestTableAge: Number(row.oldestAge) },
        risk: 'Reads the table once. It freezes nothing that an old transaction, prepared transaction or replication slot still holds: end those first.',
        applySql: row.oldest === null ? [] : [`VACUUM (FREEZE) ${row.oldest}`],
      }),
    );
  }
  return findings;
}
