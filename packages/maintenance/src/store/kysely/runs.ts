import { sql, type ExpressionBuilder, type Transaction } from 'kysely';
import { fromFlag, inTransaction, numberOrNull, toFlag, type Database } from '@dotmac/core/kysely';
import {
  appliesPlan,
  type Run,
  type RunProgress,
  type RunPulse,
  type RunStatus,
  type StopReason,
} from '../../runs/run.js';
import { dayMs } from '../../reports/tally.js';
import type { TenantRuns } from '../store.js';
import { asked } from './asked.js';
import { takePlan } from './plans.js';
import { beginSlot } from './slots.js';
import type { MaintenanceTables, RunRow } from './tables.js';

/** One tenant's runs. Lists go by the primary key, by `dotmac_maintenance_runs_state`, or by `…_scope`. */
export function kyselyRuns(database: Database, tenantId: string): TenantRuns {
  const db = database.withTables<MaintenanceTables>();
  const own = () => db.selectFrom('dotmac_maintenance_runs').where('tenant_id', '=', tenantId);
  const change = (id: string) =>
    db.updateTable('dotmac_maintenance_runs').where('tenant_id', '=', tenantId).where('id', '=', id);
  return {
    async insert(run, slot) {
      const kept = inTransaction<MaintenanceTables, boolean>(database, undefined, async (trx) => {
        if (!(await takes(trx, tenantId, run))) return false;
        // What was taken by then is given back.
        if (slot && !(await beginSlot(trx, tenantId, slot, run.id))) throw slotLost;
        await trx
          .insertInto('dotmac_maintenance_runs')
          .values(rowOf({ ...run, tenantId }))
          .execute();
        return true;
      });
      return kept.catch((error: unknown) => {
        if (error === slotLost) return false;
        throw error;
      });
    },
    async finish(id, outcome) {
      const { status, stopReason, endedAt, space, errorCode, errorMessage, details } = outcome;
      const update = change(id).set({
        status,
        stop_reason: stopReason,
        ended_at: endedAt,
        ...spaceColumns(space),
        error_code: errorCode,
        error_message: errorMessage,
        details: JSON.stringify(details),
        ...pulseColumns(outcome),
      });
      return (await asked(update.where('status', '=', 'running').executeTakeFirst())).numUpdatedRows === 1n;
    },
    async pulse(id, pulse) {
      if (pulse) await asked(change(id).set(pulseColumns(pulse)).where('status', '=', 'running').execute());
      const row = await asked(own().where('id', '=', id).select('cancel_requested_at').executeTakeFirst());
      return numberOrNull(row?.cancel_requested_at) !== null;
    },
    async requestCancel(id, at) {
      const update = change(id).set({ cancel_requested_at: at }).where('status', '=', 'running');
      return (await asked(update.executeTakeFirst())).numUpdatedRows === 1n;
    },
    async get(id) {
      const row = await asked(own().where('id', '=', id).selectAll().executeTakeFirst());
      return row ? runOf(row) : null;
    },
    async list({ limit, before, task, scopeId, status, applied = false, brief = false }) {
      let query = own()
        .select(briefColumns)
        .$if(!brief, (all) => all.select(longColumns));
      if (before !== undefined) query = query.where('id', '<', before);
      if (task !== undefined) query = query.where('task', '=', task);
      if (scopeId !== undefined) query = query.where('scope_id', '=', scopeId);
      if (status !== undefined) query = query.where('status', '=', status);
      if (applied) query = query.where(isApplied);
      return (await asked(query.orderBy('id', 'desc').limit(limit).execute())).map(
        ({ details = '{}', log = null, ...row }) => runOf({ ...row, details, log }),
      );
    },
    async tallies({ from, to }) {
      // Not by a parameter: PostgreSQL would not see that what is selected is what is grouped by.
      const day = sql<number>`started_at - started_at % ${sql.lit(dayMs)}`;
      const duration = sql<number>`case when ended_at > started_at then ended_at - started_at else 0 end`;
      const query = own()
        .where('started_at', '>=', from)
        .where('started_at', '<', to)
        .where('ended_at', 'is not', null)
        .where(isApplied)
        .select(({ fn }) => [
          'task',
          'status',
          day.as('day'),
          fn.countAll<number>().as('runs'),
          fn.sum<number>('items_processed').as('itemsProcessed'),
          fn.sum<number>('items_cleaned').as('itemsCleaned'),
          fn.sum<number>('bytes_freed').as('returnedBytes'),
          fn.sum<number | null>('bytes_reusable').as('reusableBytes'),
          fn.sum<number | null>('bytes_estimated').as('estimatedBytes'),
          sql<number>`sum(${duration})`.as('durationMs'),
          sql<number>`max(${duration})`.as('longestMs'),
        ])
        .groupBy(['task', 'status', day]);
      return (await asked(query.execute())).map(({ task, status, ...sums }) => {
        const numbers = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, Number(sum ?? 0)]));
        return { task, status: status as RunStatus, ...(numbers as Record<keyof typeof sums, number>) };
      });
    },
    async countByStatus() {
      const query = own()
        .select(({ fn }) => ['status', fn.countAll<number>().as('n')])
        .groupBy('status');
      return Object.fromEntries(
        (await asked(query.execute())).map(({ status, n }) => [status as RunStatus, Number(n)]),
      );
    },
  };
}

const slotLost = new Error('The slot is closed, or another process’s.');

/** Takes the run that this one goes on from, or the plan that it applies; false when it cannot. */
async function takes(trx: Transaction<MaintenanceTables>, tenantId: string, run: Omit<Run, 'tenantId'>) {
  if (run.resumes === null) return !appliesPlan(run) || takePlan(trx, tenantId, run.planId, run.id);
  const { numUpdatedRows } = await trx
    .updateTable('dotmac_maintenance_runs')
    .set({ resumed_by: run.id })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', run.resumes)
    .where('status', '!=', 'running')
    .where('resumed_by', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Runs of older versions do not say whether they were dry. */
const isApplied = ({ eb, or }: ExpressionBuilder<MaintenanceTables, 'dotmac_maintenance_runs'>) =>
  or([eb('dry_run', 'is', null), eb('dry_run', '=', toFlag(false))]);

/** What may be long. */
const longColumns = ['details', 'log'] as const satisfies (keyof RunRow)[];
const briefColumns = [
  ...(['tenant_id', 'id', 'task', 'scope_id', 'trigger_kind', 'schedule', 'actor', 'parameters', 'dry_run'] as const),
  ...(['plan_id', 'as_of', 'confirmed', 'resumes', 'resumed_by', 'status', 'stop_reason'] as const),
  ...(['cancel_requested_at', 'started_at', 'ended_at', 'items_processed', 'items_cleaned'] as const),
  ...(['bytes_freed', 'bytes_reusable', 'bytes_estimated', 'error_code', 'error_message'] as const),
  ...(['progress', 'cursors'] as const),
] as const satisfies Exclude<keyof RunRow, (typeof longColumns)[number]>[];

const spaceColumns = ({ returnedBytes, reusableBytes, estimatedBytes }: Run['space']) => ({
  bytes_freed: returnedBytes,
  bytes_reusable: reusableBytes,
  bytes_estimated: estimatedBytes,
});

const pulseColumns = ({ itemsProcessed, itemsCleaned, progress, cursors, log }: RunPulse) => ({
  items_processed: itemsProcessed,
  items_cleaned: itemsCleaned,
  progress: JSON.stringify(progress),
  cursors: JSON.stringify(cursors),
  log: JSON.stringify(log),
});

function rowOf(run: Run): RunRow {
  return {
    tenant_id: run.tenantId,
    id: run.id,
    task: run.task,
    scope_id: run.scopeId,
    trigger_kind: run.trigger,
    schedule: run.schedule,
    actor: run.actor,
    parameters: JSON.stringify(run.parameters),
    dry_run: toFlag(run.dryRun),
    plan_id: run.planId,
    as_of: run.asOf,
    confirmed: toFlag(run.confirmed),
    resumes: run.resumes,
    resumed_by: run.resumedBy,
    status: run.status,
    stop_reason: run.stopReason,
    cancel_requested_at: run.cancelRequestedAt,
    started_at: run.startedAt,
    ended_at: run.endedAt,
    ...spaceColumns(run.space),
    error_code: run.errorCode,
    error_message: run.errorMessage,
    ...pulseColumns(run),
    details: JSON.stringify(run.details),
  };
}

const read = <Value>(text: string | null, otherwise: Value): Value =>
  text === null ? otherwise : (JSON.parse(text) as Value);

/** Runs of older versions knew less of themselves. */
function progressOf(text: string | null): Run['progress'] {
  const progress = read<Run['progress']>(text, null);
  if (!progress) return null;
  const { pauses = [], targets = [] } = progress as Partial<RunProgress>;
  return { ...progress, pauses, targets: targets.map((it) => ({ ...{ seen: 0 }, ...it })) };
}

/** A run as its row has it. */
export function runOf(row: RunRow): Run {
  return {
    tenantId: row.tenant_id,
    id: row.id,
    task: row.task,
    scopeId: row.scope_id ?? '',
    trigger: row.trigger_kind as Run['trigger'],
    schedule: row.schedule,
    actor: row.actor,
    parameters: read(row.parameters, {}),
    dryRun: fromFlag(row.dry_run ?? 0),
    planId: row.plan_id,
    asOf: Number(row.as_of ?? row.started_at),
    confirmed: fromFlag(row.confirmed ?? 0),
    resumes: row.resumes,
    resumedBy: row.resumed_by,
    status: row.status as RunStatus,
    stopReason: row.stop_reason as StopReason | null,
    cancelRequestedAt: numberOrNull(row.cancel_requested_at),
    startedAt: Number(row.started_at),
    endedAt: numberOrNull(row.ended_at),
    itemsProcessed: Number(row.items_processed),
    itemsCleaned: Number(row.items_cleaned),
    space: {
      returnedBytes: Number(row.bytes_freed),
      reusableBytes: Number(row.bytes_reusable ?? 0),
      estimatedBytes: Number(row.bytes_estimated ?? 0),
    },
    errorCode: row.error_code,
    errorMessage: row.error_message,
    progress: progressOf(row.progress),
    cursors: read(row.cursors, {}),
    log: read(row.log, []),
    details: read(row.details, {}),
  };
}
