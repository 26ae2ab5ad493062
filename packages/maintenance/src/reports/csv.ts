import type { MaintenanceResult, MaintenanceRun } from '../runs/schemas.js';

/** What a spreadsheet would take for a formula. Numbers are none. */
const formula = /^[=+\-@\t\r]/;

function cell(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value);
  const harmless = typeof value === 'string' && formula.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Lines as RFC 4180 has them. */
function csv(rows: readonly (readonly unknown[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** A run as far as a table of runs has it. */
type Row = Omit<MaintenanceResult, 'details'>;

/** The columns of a table of runs, named as on the wire. */
const columns: [string, (run: Row) => unknown][] = [
  ['task_id', (it) => it.taskId],
  ['task_name', (it) => it.taskName],
  ['status', (it) => it.status],
  ['stop_reason', (it) => it.stopReason],
  ['start_time', (it) => iso(it.startTime)],
  ['end_time', (it) => iso(it.endTime)],
  ['duration_seconds', (it) => it.durationSeconds],
  ['items_processed', (it) => it.itemsProcessed],
  ['items_cleaned', (it) => it.itemsCleaned],
  ['space_freed_mb', (it) => it.spaceFreedMb],
  ['space_reusable_mb', (it) => it.spaceReusableMb],
  ['space_estimated_mb', (it) => it.spaceEstimatedMb],
  ['error_message', (it) => it.errorMessage],
];

/** Runs as a table, a line each. */
export function runsCsv(runs: readonly Row[]): string {
  return csv([columns.map(([name]) => name), ...runs.map((run) => columns.map(([, of]) => of(run)))]);
}

/** One run as a table of fields; what is nested has a path: `details.policies.0.rows`. */
export function runCsv(run: MaintenanceRun): string {
  const { trigger, schedule, actor, dryRun, parameters, details, log } = run;
  return csv([
    ['field', 'value'],
    ...columns.map(([name, of]) => [name, of(run)]),
    ['trigger', trigger],
    ['schedule', schedule],
    ['actor', actor],
    ['dry_run', dryRun],
    ...flat('parameters', parameters),
    ...flat('details', details),
    ...log.map(({ at, message }) => [`log.${iso(at)}`, message]),
  ]);
}

function flat(path: string, value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, it]) => flat(`${path}.${key}`, it));
}
