import { stat } from 'node:fs/promises';
import { sql, type Kysely } from 'kysely';
import type { AdviceLimits } from '../../advice.js';
import { finding, type Finding } from '../../finding.js';
import { fileSize, pragma } from '../upkeep.js';

const incremental = 2;
const mib = (bytes: number): number => Math.round(bytes / 1_048_576);

/** Free pages in the file, and a write-ahead log that nobody wrote back. */
export async function adviseFile(db: Kysely<unknown>, limits: AdviceLimits): Promise<Finding[]> {
  return [...(await freePages(db, limits)), ...(await wal(db, limits))];
}

async function freePages(db: Kysely<unknown>, { bloatBytes, bloatShare }: AdviceLimits): Promise<Finding[]> {
  const { bytes, reusableBytes } = await fileSize(db);
  if (reusableBytes < bloatBytes || reusableBytes < bloatShare * bytes) return [];
  const bySteps = (await pragma(db, 'auto_vacuum')) === incremental;
  return [
    finding({
      kind: bySteps ? 'free_pages' : 'bloated_database',
      message: `${mib(reusableBytes)} of ${mib(bytes)} MiB of the file are free: they will be used for new rows.`,
      evidence: { bytes, freeBytes: reusableBytes, incrementalVacuum: bySteps },
      risk: bySteps
        ? 'Moves pages in small steps; writers wait for a step.'
        : 'Writers wait while the file is written anew, which takes its size twice.',
      applySql: [bySteps ? 'PRAGMA incremental_vacuum' : 'VACUUM'],
      bytes: reusableBytes,
    }),
  ];
}

async function wal(db: Kysely<unknown>, { retainedWalBytes }: AdviceLimits): Promise<Finding[]> {
  const { rows } = await sql<{ file: string }>`select file from pragma_database_list where name = 'main'`.execute(db);
  const file = rows[0]?.file;
  if (!file) return [];
  const bytes = await stat(`${file}-wal`).then(
    ({ size }) => size,
    () => 0,
  );
  if (bytes < retainedWalBytes) return [];
  return [
    finding({
      kind: 'large_wal',
      severity: 'warning',
      message: `The write-ahead log has grown to ${mib(bytes)} MiB: a reader that does not end keeps it from being written back.`,
      evidence: { walBytes: bytes },
      risk: 'Writers wait while it is written back; with a reader at work it does what it can.',
      applySql: ['PRAGMA wal_checkpoint(TRUNCATE)'],
      bytes,
    }),
  ];
}

/** Tables with indexes whose statistics are missing or old, in the view of SQLite itself; it is asked what it would do, and does nothing. */
export async function adviseStatistics(db: Kysely<unknown>, tables: readonly string[]): Promise<Finding[]> {
  const debug = 0x1;
  const [analyze, everyTable] = [0x2, 0x10000];
  const { rows } = await sql<Record<string, string>>`
    pragma main.optimize(${sql.lit(debug | analyze | everyTable)})`.execute(db);
  const statements = rows.map((row) => Object.values(row)[0] ?? '');
  return tables.flatMap((table) => {
    const named = `"main"."${table.replaceAll('"', '""')}"`;
    const statement = statements.find((it) => it === `ANALYZE ${named}`);
    if (statement === undefined) return [];
    return [
      finding({
        table,
        kind: 'stale_statistics',
        severity: 'warning',
        message: `SQLite would analyse ${table}, if it were asked to: the planner guesses.`,
        risk: 'Reads a sample of each index; plans may change.',
        applySql: [statement],
      }),
    ];
  });
}

const mostFaults = 20;

/** Reads every page. The event loop waits for it. */
export async function adviseIntegrity(db: Kysely<unknown>): Promise<Finding[]> {
  const { rows } = await sql<Record<string, string>>`pragma integrity_check(${sql.lit(mostFaults)})`.execute(db);
  const faults = rows.map((row) => String(Object.values(row)[0])).filter((it) => it !== 'ok');
  return faults.length === 0 ? [] : [damaged(faults)];
}

/** What is said of a file that is damaged; of such a file nothing else can be trusted. */
export function damaged(faults: readonly string[]): Finding {
  return finding({
    kind: 'damage',
    severity: 'critical',
    message: `The file is damaged: ${faults[0]}`,
    evidence: { faults: faults.length, first: faults[0] ?? null },
    risk: 'Restore a verified backup, or rescue what can be read (`.recover` of the sqlite3 shell). Write nothing more to it.',
  });
}
