import { sql, type Kysely } from 'kysely';
import type { AdviceLimits } from '../../advice.js';
import { finding, type Finding } from '../../finding.js';

/** Transactions of this database that are open for long. Never what they said. Needs the PROCESS privilege. */
export async function adviseTransactions(db: Kysely<unknown>, { longTransactionMs }: AdviceLimits): Promise<Finding[]> {
  const { rows } = await sql<Record<'session' | 'state' | 'seconds' | 'modified', string>>`
    select t.trx_mysql_thread_id as session, t.trx_state as state, t.trx_rows_modified as modified,
      timestampdiff(second, t.trx_started, now()) as seconds
    from information_schema.innodb_trx t join information_schema.processlist p on p.id = t.trx_mysql_thread_id
    where p.db = database() and timestampdiff(second, t.trx_started, now()) * 1000 >= ${sql.lit(longTransactionMs)}
    order by t.trx_started limit 20`.execute(db);
  return rows.map(({ session, state, ...row }) =>
    finding({
      object: String(session),
      kind: 'long_transaction',
      severity: 'warning',
      message: `The session ${session} has had a transaction open for ${Math.round(Number(row.seconds) / 60)} minutes.`,
      evidence: {
        session: Number(session),
        state,
        openMs: Number(row.seconds) * 1000,
        rowsModified: Number(row.modified),
      },
      risk: 'Ends the session; what it did in the transaction is undone.',
      applySql: [`KILL ${Number(session)}`],
    }),
  );
}

/** Old versions of rows that the purge has not come to. Needs the PROCESS privilege. */
export async function adviseHistory(db: Kysely<unknown>, { historyList }: AdviceLimits): Promise<Finding[]> {
  const { rows } = await sql<{ length: string }>`
    select \`count\` as length from information_schema.innodb_metrics where name = 'trx_rseg_history_len'`.execute(db);
  const length = Number(rows[0]?.length ?? 0);
  if (length < historyList) return [];
  return [
    finding({
      kind: 'history_list',
      severity: length >= 10 * historyList ? 'critical' : 'warning',
      message: `InnoDB keeps the old versions of ${length} changes: reads wade through them.`,
      evidence: { historyListLength: length },
      risk: 'It shrinks by itself once the oldest transaction has ended.',
    }),
  ];
}
