import { sql, type Kysely } from 'kysely';
import type { AdviceLimits } from '../../advice.js';
import { finding, type Finding } from '../../finding.js';
import { inMegabytes } from './scope.js';

/** Who keeps old rows alive: transactions that are open for long, prepared ones, and slots that nobody reads. Never what they said. */
export async function adviseSessions(db: Kysely<unknown>, limits: AdviceLimits): Promise<Finding[]> {
  return [...(await open(db, limits)), ...(await prepared(db, limits)), ...(await slots(db, limits))];
}

async function open(db: Kysely<unknown>, { longTransactionMs }: AdviceLimits): Promise<Finding[]> {
  const { rows } = await sql<{ pid: number; state: string; ms: string; holdsBack: boolean }>`
    select pid, coalesce(state, 'unknown') as state, backend_xmin is not null or backend_xid is not null as "holdsBack",
      cast(extract(epoch from clock_timestamp() - xact_start) * 1000 as bigint) as ms
    from pg_catalog.pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
      and xact_start < clock_timestamp() - ${longTransactionMs} * interval '1 millisecond'
    order by xact_start limit 20`.execute(db);
  return rows.map(({ pid, state, ms, holdsBack }) => {
    const idle = state.startsWith('idle');
    return finding({
      object: String(pid),
      kind: 'long_transaction',
      severity: holdsBack ? 'warning' : 'info',
      message: `The session ${pid} has had a transaction open for ${Math.round(Number(ms) / 60_000)} minutes (${state}).`,
      evidence: { pid, state, openMs: Number(ms), keepsDeadRows: holdsBack },
      risk: idle ? 'Ends the session; what it did in the transaction is undone.' : 'Ends its statement with an error.',
      applySql: [`SELECT ${idle ? 'pg_terminate_backend' : 'pg_cancel_backend'}(${pid})`],
    });
  });
}

async function prepared(db: Kysely<unknown>, { longTransactionMs }: AdviceLimits): Promise<Finding[]> {
  const { rows } = await sql<{ gid: string; literal: string; ms: string }>`
    select gid, pg_catalog.quote_literal(gid) as literal,
      cast(extract(epoch from clock_timestamp() - prepared) * 1000 as bigint) as ms
    from pg_catalog.pg_prepared_xacts
    where database = current_database() and prepared < clock_timestamp() - ${longTransactionMs} * interval '1 millisecond'
    order by prepared limit 20`.execute(db);
  return rows.map(({ gid, literal, ms }) =>
    finding({
      object: gid,
      kind: 'prepared_transaction',
      severity: 'warning',
      message: `The transaction ${gid} was prepared ${Math.round(Number(ms) / 60_000)} minutes ago, and neither committed nor rolled back.`,
      evidence: { preparedMs: Number(ms), keepsDeadRows: true },
      risk: 'Its coordinator may still want to commit it: ask there first.',
      applySql: [`ROLLBACK PREPARED ${literal}`],
    }),
  );
}

async function slots(db: Kysely<unknown>, { retainedWalBytes }: AdviceLimits): Promise<Finding[]> {
  const { rows } = await sql<{ name: string; literal: string; bytes: string | null; holdsBack: boolean }>`
    select slot_name as name, pg_catalog.quote_literal(slot_name) as literal,
      xmin is not null or catalog_xmin is not null as "holdsBack",
      case when pg_is_in_recovery() then null else pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) end as bytes
    from pg_catalog.pg_replication_slots
    where not active and not temporary and (database is null or database = current_database())
    order by 1 limit 20`.execute(db);
  return rows
    .filter(({ bytes, holdsBack }) => holdsBack || Number(bytes) >= retainedWalBytes)
    .map(({ name, literal, bytes, holdsBack }) =>
      finding({
        object: name,
        kind: 'idle_replication_slot',
        severity: Number(bytes) >= 10 * retainedWalBytes ? 'critical' : 'warning',
        message: `Nobody reads the replication slot ${name}; for it the server keeps ${inMegabytes(Number(bytes))} of its log.`,
        evidence: { retainedWalBytes: Number(bytes), keepsDeadRows: holdsBack },
        risk: 'A replica that comes back needs a new copy of everything.',
        applySql: [`SELECT pg_drop_replication_slot(${literal})`],
        bytes: Number(bytes),
      }),
    );
}
