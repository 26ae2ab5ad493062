import type { z } from 'zod';
import { describeError, isOperationError } from '@dotmac/core';
import type { ArchiveFile } from '../databases/rows/archive-file.js';
import type { Place } from '../databases/rows/cut.js';
import { deleteRows, isToEnd } from '../databases/rows/delete-rows.js';
import { dropPartitions, neverDropped } from '../databases/rows/drop-partitions.js';
import { tableLabel } from '../databases/rows/due.js';
import { planRows, type RowPlan } from '../databases/rows/plan-rows.js';
import type { Prepared } from '../databases/rows/prepared.js';
import { finishArchives, withArchive } from '../databases/rows/with-archive.js';
import { maintenanceErrors } from '../errors.js';
import type { OpenRoot } from '../files/root.js';
import { openPolicyRoot } from './open-policy-root.js';
import type { CleanedPolicy, databaseCleanupParameters } from './database-cleanup.schema.js';
import { converging } from './converging.js';
import { noSpace } from './space.js';
import { spaceOf } from './cleaned-space.js';
import type { Setback } from './setback.js';
import type { Held, TargetProgress, TaskContext } from './task.js';
import type { Space } from './space.js';

type Parameters = z.output<typeof databaseCleanupParameters>;

/** What came of one policy. */
export interface CleanedTable {
  report: CleanedPolicy;
  space: Space;
  /** Partitions are left because they are larger than the budget. */
  overBudget?: boolean | undefined;
}

/** What is known of a policy by now, if it fails: kept up to date while it is cleaned. */
export type SoFar = Pick<CleanedPolicy, 'strategy' | 'rows' | 'rowsAlong' | 'batches' | 'left'>;

/** Below this share VACUUM and ANALYZE are left to the database itself: both read much more than went. */
const careShare = 0.05;
const positionsOf = (columns: readonly { name: string }[]): string => columns.map(({ name }) => name).join();

interface Going {
  context: TaskContext;
  prepared: Prepared;
  plan: RowPlan;
  held: Held;
  progress: TargetProgress;
  soFar: SoFar;
  /** How many rows the run may delete at most. */
  mostRows: number;
}

interface Gone {
  deleted: number;
  rowsAlong: number;
  batches: number;
  retries: number;
  drained: boolean;
  archivedTo: string | null;
  /** Of the batches and the rests between them. */
  tookMs: number;
  droppedBytes: number;
  tooLarge?: boolean;
}

/**
 * Deletes what is due of one policy, while no other run works on its table.
 * @param soFar told of what was done, for when this throws
 */
export async function cleanPolicy(
  context: TaskContext,
  prepared: Prepared,
  { vacuumAnalyze, maxItems: mostRows = Infinity }: Pick<Parameters, 'vacuumAnalyze' | 'maxItems'>,
  soFar: SoFar,
): Promise<CleanedTable> {
  const done = await context.exclusively(prepared.resource, async (held) => {
    const plan = await planRows(prepared, held.signal).catch((error: unknown) => {
      if (!isToEnd(held.signal)) throw error;
      return null;
    });
    if (!plan) return { report: reportOf(prepared, { outcome: 'partial', ...soFar }), space: noSpace };
    Object.assign(soFar, { strategy: plan.strategy.why, left: plan.due.items });
    const progress = await context.target({
      target: prepared.target,
      planned: plan.due.items,
      estimated: !plan.due.exact,
      total: plan.total.items,
      maxShare: prepared.policy.maxShare,
    });
    return clean({ context, prepared, plan, held, progress, soFar, mostRows }, vacuumAnalyze);
  });
  if (done) return done;
  context.expect(prepared.target, 0);
  const report = reportOf(prepared, { outcome: 'busy', strategy: 'Another run is at the table.' });
  return { report, space: noSpace };
}

async function clean(going: Going, vacuumAnalyze: boolean): Promise<CleanedTable> {
  const { context, prepared, plan, held, progress } = going;
  const { dialect, selection, policy } = prepared;
  const { kysely } = policy.on;
  const { strategy, due, total } = plan;
  const warnings = [...plan.spared, ...neverDropped(plan.partitions, going.mostRows)];
  context.note(`${prepared.name}: ${due.items} of ${total.items} rows are due. ${strategy.why}`);
  const before = await dialect.size(kysely, selection);
  const gone = await remove(going);
  if (gone.drained) progress.done();
  if (vacuumAnalyze && gone.deleted > 0 && !held.signal.aborted)
    await lookAfter(going, gone).catch((error: unknown) => {
      if (isToEnd(held.signal)) return void warnings.push('Vacuum or analyze was cut short, for the run was to end.');
      held.signal.throwIfAborted();
      // The rows are gone all the same: the next run, or the database itself, will vacuum.
      const about = { policy: prepared.name, ...describeError(error) };
      context.logger.warn(about, 'vacuum or analyze failed after a cleanup');
      warnings.push('Vacuum or analyze did not succeed.');
    });
  const after = await dialect.size(kysely, selection);
  const convergence = gone.drained ? null : await converging(going, gone);
  if (convergence?.warning) warnings.push(convergence.warning);
  const report = reportOf(prepared, {
    outcome: gone.drained ? 'done' : 'partial',
    strategy: strategy.why,
    rows: gone.deleted,
    rowsAlong: gone.rowsAlong,
    batches: gone.batches,
    retries: gone.retries,
    rowsPerSecond: strategy.walk ? rateOf(gone) : null,
    left: Math.max(0, due.items - gone.deleted),
    archivedTo: gone.archivedTo,
    convergence: convergence?.figures ?? null,
    warnings,
  });
  return { report, space: spaceOf(prepared, plan, gone, before, after), overBudget: gone.tooLarge };
}

function reportOf(
  { name, selection }: Pick<Prepared, 'name' | 'selection'>,
  report: Pick<CleanedPolicy, 'outcome' | 'strategy'> & Partial<CleanedPolicy>,
): CleanedPolicy {
  return {
    policy: name,
    table: tableLabel(selection),
    cutoff: selection.cutoff,
    rows: 0,
    rowsAlong: 0,
    batches: 0,
    retries: 0,
    rowsPerSecond: null,
    left: 0,
    archivedTo: null,
    convergence: null,
    warnings: [],
    ...report,
  };
}

/** The report of one that failed, or waits for a confirmation. */
export const unfinishedReport = (
  of: Pick<Prepared, 'name' | 'selection'>,
  { outcome, message }: Setback,
  soFar: SoFar,
): CleanedPolicy => reportOf(of, { outcome, ...soFar, warnings: [message] });

function count(soFar: SoFar, deleted: number, rowsAlong = 0): void {
  soFar.rows += deleted;
  soFar.rowsAlong += rowsAlong;
  soFar.batches += 1;
  soFar.left = Math.max(0, soFar.left - deleted);
}

async function remove(going: Going): Promise<Gone> {
  const { context, prepared, plan, held, progress, soFar, mostRows } = going;
  const { policy, archive } = prepared;
  const confirm = (trx: unknown): Promise<void> => held.confirm({ database: policy.on, trx });
  const nothing = { deleted: 0, rowsAlong: 0, batches: 0, retries: 0, archivedTo: null, tookMs: 0, droppedBytes: 0 };
  const directory = policy.archive && 'directory' in policy.archive ? policy.archive.directory : undefined;
  const place = directory === undefined ? undefined : { name: prepared.name, directory };
  if (progress.isDone || (plan.due.items === 0 && plan.partitions.length === 0)) {
    // Whoever deleted the last of them may have died before the archive was finished.
    if (place) await openPolicyRoot(place, (root) => finishArchives(root, prepared, context.note));
    return { ...nothing, drained: true };
  }
  if (!plan.strategy.walk) {
    const counted = {
      get remaining() {
        return progress.remaining;
      },
      advance(batch: { cleaned: number; bytes: number }) {
        count(soFar, batch.cleaned);
        return progress.advance(batch);
      },
    };
    const options = { ...context, signal: held.signal, confirm, mostRows, progress: counted };
    const startedAt = context.clock.monotonic();
    const dropped = await dropPartitions(prepared, plan, options);
    return { ...nothing, ...dropped, tookMs: context.clock.monotonic() - startedAt };
  }
  if (!place) {
    const walked = await walk(going, confirm, archive);
    return { ...nothing, ...walked, archivedTo: archive ? tableLabel(archive.to) : null };
  }
  const filed = await openPolicyRoot(place, (root) => walkIntoFile(going, confirm, root));
  if (filed.outcome === 'done') return { ...nothing, ...filed.result };
  const reason = 'the directory of its archive does not exist';
  throw maintenanceErrors.TABLE_NOT_MAINTAINABLE({ policy: prepared.name, reason });
}

async function walkIntoFile(going: Going, confirm: (trx: unknown) => Promise<void>, root: OpenRoot) {
  const { context, prepared, held } = going;
  await finishArchives(root, prepared, context.note);
  const stamp = new Date(context.clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const isLost = (): boolean => isOperationError(held.signal.reason, 'LEASE_LOST');
  return withArchive(root, prepared, { id: `${stamp}-${context.runId}`, isLost }, (file) => walk(going, confirm, file));
}

async function walk(
  { context, prepared, plan, held, progress, soFar }: Going,
  confirm: (trx: unknown) => Promise<void>,
  archive: Prepared['archive'] | ArchiveFile,
) {
  const { dialect, selection, facts, policy, along } = prepared;
  const { walk } = plan.strategy;
  if (!walk) throw new TypeError('Partitions are not walked.');
  // A position along other columns is none along these.
  const columns = positionsOf(walk.columns);
  const left = progress.cursor as { columns?: string; place?: Place } | undefined;
  return deleteRows(
    { dialect, selection, facts, walk, along },
    {
      database: policy.on,
      clock: context.clock,
      signal: held.signal,
      from: left?.columns === columns ? left.place : undefined,
      expected: plan.due.exact ? plan.due.items : undefined,
      archive,
      confirm,
      note: (message) => context.note(`${prepared.name}: ${message}`),
      remaining: () => progress.remaining,
      onBatch(batch) {
        count(soFar, batch.deleted, batch.rowsAlong);
        return progress.advance({ cleaned: batch.deleted, cursor: { columns, place: batch.place } });
      },
    },
  );
}

function rateOf({ deleted, tookMs }: Gone): number | null {
  return deleted === 0 || tookMs === 0 ? null : Math.round((deleted * 1000) / tookMs);
}

async function lookAfter({ context, prepared, plan, held }: Going, { deleted }: Gone): Promise<void> {
  const { dialect, selection, policy } = prepared;
  const { kysely } = policy.on;
  const share = deleted / Math.max(1, plan.total.items);
  const much = share >= careShare;
  context.note(
    `${prepared.name}: ${deleted} rows went (${Math.round(share * 100)} %)${much ? '' : '; vacuum and analyze are left to the database'}`,
  );
  if (!much) return;
  const pauses = { clock: context.clock, signal: held.signal, relief: context.relief };
  await dialect.giveBack(kysely, selection, pauses);
  await dialect.analyze(kysely, selection, pauses);
}
