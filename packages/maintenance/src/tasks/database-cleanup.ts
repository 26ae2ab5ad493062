import type { z } from 'zod';
import type { OperationError } from '@dotmac/core';
import { atMost } from '../databases/rows/along.js';
import { countIngest } from '../databases/rows/count.js';
import { neverDropped } from '../databases/rows/drop-partitions.js';
import { predicateText, tableLabel } from '../databases/rows/due.js';
import { forecast } from '../databases/rows/forecast.js';
import { planRows, previewRows, type RowPlan } from '../databases/rows/plan-rows.js';
import { prepareAll } from '../databases/rows/prepare.js';
import type { Prepared } from '../databases/rows/prepared.js';
import { tableFault } from '../databases/rows/table-fault.js';
import { named, unknownNames } from '../policies/policy-set.js';
import { bearableParts } from './bearable.js';
import { cleanEach } from './clean-each.js';
import type { CleanedTable } from './clean-policy.js';
import { databaseCleanupDetails, databaseCleanupParameters } from './database-cleanup.schema.js';
import { defaultRates, msFor } from './default-rates.js';
import { measuredRates } from './measured-rate.js';
import { planned, type PlannedTarget } from './plan.js';
import { planEach } from './plan-each.js';
import { runsPerDay, secondsPerRun } from './runs-per-day.js';
import { defineMaintenanceTask, type PlanContext, type TaskContext } from './task.js';
import type { Space } from './space.js';

type Parameters = z.output<typeof databaseCleanupParameters>;

/** Tables that come later are counted beforehand for no longer than this: it is for the sake of the time left alone. */
const longestCountMs = 10_000;

/** Deletes rows past their retention, policy by policy, those first that others wait for. */
export const databaseCleanup = defineMaintenanceTask({
  type: 'database_cleanup',
  name: 'Database cleanup',
  description: 'Deletes rows past their retention from registered tables, in small batches',
  parameters: databaseCleanupParameters,
  details: databaseCleanupDetails,
  check: ({ policies }, { retention }) => unknownNames(retention, policies),
  async plan(context, parameters) {
    const measured = await measuredRates(context);
    const chosen = named(context.policies.retention, parameters.policies);
    const { ordered, unprepared } = await prepareAll(chosen, context.asOf, parameters.retentionDays, context.signal);
    return planEach(context, [...unprepared, ...ordered], async (one) => {
      if ('fault' in one) throw one.fault;
      const { name } = one;
      try {
        const { target, warnings } = await planOne(context, one, parameters, measured(name));
        return { targets: [target], warnings: warnings.map((warning) => `${name}: ${warning}`) };
      } catch (error) {
        context.signal.throwIfAborted();
        throw await tableFault(one, error);
      }
    });
  },
  async run(context, parameters) {
    const all: CleanedTable[] = [];
    let [fault, sizesApproximate]: [OperationError | undefined, boolean] = [undefined, false];
    const chosen = named(context.policies.retention, parameters.policies);
    for await (const part of bearableParts(context, chosen, ({ database }) => database)) {
      // All are looked up before the first row goes: those first that others wait for.
      const prepared = await prepareAll(part, context.asOf, parameters.retentionDays, context.signal);
      await expectEach(context, prepared.ordered);
      const cleaned = await cleanEach(context, prepared, parameters);
      all.push(...cleaned.tables);
      fault ??= cleaned.fault;
      sizesApproximate ||= prepared.ordered.some(({ dialect }) => !dialect.sizesMeasured);
    }
    const sum = (of: (space: Space) => number): number => all.reduce((total, { space }) => total + of(space), 0);
    return {
      space: {
        returnedBytes: sum((it) => it.returnedBytes),
        reusableBytes: sum((it) => it.reusableBytes),
        estimatedBytes: sum((it) => it.estimatedBytes),
      },
      fault,
      overBudget: all.some(({ overBudget }) => overBudget === true),
      skipped: all.length > 0 && all.every(({ report }) => report.outcome === 'busy'),
      details: { sizesApproximate, policies: all.map(({ report }) => report) },
    };
  },
});

async function planOne(
  context: PlanContext,
  prepared: Prepared,
  parameters: Parameters,
  rate: number | null,
): Promise<{ target: PlannedTarget; warnings: string[] }> {
  const { signal } = context;
  const plan = await planRows(prepared, signal);
  const preview = await previewRows(prepared, plan, signal);
  signal.throwIfAborted();
  const { bytes, approximate } = await prepared.dialect.size(prepared.policy.on.kysely, prepared.selection);
  // Of a table's size its rows have their share; a file's size says nothing of one table.
  const size = approximate ? bytes : null;
  return {
    target: targetFor(prepared, plan, preview, { rate, size }),
    warnings: [
      ...preview.warnings,
      ...unfenced(context, prepared, plan),
      ...neverDropped(plan.partitions, parameters.maxItems ?? Infinity),
      ...(await willConverge(context, prepared, plan, parameters, rate)),
    ],
  };
}

/** Of one alone its own turn tells as much; and what is amiss with one is told in its turn. */
async function expectEach(context: TaskContext, all: readonly Prepared[]): Promise<void> {
  const countedUntil = context.clock.monotonic() + longestCountMs;
  for (const one of all.length > 1 ? all : []) {
    await context.relief();
    const isTime = context.clock.monotonic() < countedUntil;
    const count = async (): Promise<number> => (await planRows(one, context.signal)).due.items;
    context.expect(one.target, isTime ? await count().catch(() => null) : null);
  }
}

function targetFor(
  prepared: Prepared,
  { due, total, strategy, partitions }: RowPlan,
  { sample, statements, cascades }: Awaited<ReturnType<typeof previewRows>>,
  { rate, size }: { rate: number | null; size: number | null },
): PlannedTarget {
  const { policy, selection, facts, archive } = prepared;
  const kept = policy.archive !== undefined;
  return planned(
    {
      target: prepared.target,
      action: kept ? 'archive' : 'delete',
      items: due.items,
      exact: due.exact,
      total: total.items,
      ...roomOf({ due, total, partitions }, size),
      strategy: strategy.why,
      sample,
      statements,
      cascades: cascades.map(({ table, onDelete, items }) => ({ target: `${onDelete}: ${table}`, items })),
      ...timeOf(prepared, { due, strategy, partitions }, rate),
    },
    {
      table: tableLabel(selection),
      column: [selection.timeColumn, selection.timeUnit, policy.retentionDays],
      match: selection.match,
      where: selection.where && predicateText(selection.where, policy.on),
      keepNewest: selection.keepNewest,
      archive: archive ?? policy.archive,
      facts: { ...facts, estimatedRows: null },
    },
  );
}

function roomOf(
  { due, total, partitions }: Pick<RowPlan, 'due' | 'total' | 'partitions'>,
  size: number | null,
): Pick<PlannedTarget, 'bytes' | 'bytesFrom'> {
  if (partitions.length > 0)
    return { bytes: partitions.reduce((sum, { partition }) => sum + partition.bytes, 0), bytesFrom: 'measured' };
  if (size === null) return { bytes: null, bytesFrom: null };
  return { bytes: Math.round((size * due.items) / Math.max(1, total.items)), bytesFrom: 'estimated' };
}

function timeOf(
  { dialect }: Prepared,
  { due, strategy, partitions }: Pick<RowPlan, 'due' | 'strategy' | 'partitions'>,
  rate: number | null,
): Pick<PlannedTarget, 'estimatedMs' | 'estimatedFrom'> {
  if (!strategy.walk)
    return { estimatedMs: msFor(partitions.length, defaultRates.partitions), estimatedFrom: 'default_rate' };
  const estimatedMs = msFor(due.items, rate ?? dialect.rowsPerSecond);
  return { estimatedMs, estimatedFrom: rate === null ? 'default_rate' : 'earlier_runs' };
}

/** Is there a moment in which a run that was held up could delete beside the one that took over? */
function unfenced({ fencing }: PlanContext, { policy, dialect }: Prepared, { strategy }: RowPlan): string[] {
  const fenced = fencing(policy.on);
  if (fenced === 'transaction' && strategy.kind === 'partition_drop' && !dialect.dropsInTransaction)
    return [
      'MySQL and MariaDB commit the dropping of a partition by itself, so that the lease can be looked at only right before it: a run that is held up between the two, for longer than a lease lasts, drops beside the one that took over. What it drops is due by its own cutoff all the same.',
    ];
  if (fenced !== 'time') return [];
  return [
    'Its leases are in another database, so that they cannot be looked at in the transaction of a batch: a run that is held up between its last look and its commit, for longer than a lease lasts, deletes beside the one that took over. With one database for both it does not.',
  ];
}

/** Would runs within these budgets, as often as they are scheduled, keep up with what comes? */
async function willConverge(
  context: PlanContext,
  { name, policy, dialect, selection, facts, along }: Prepared,
  { due, strategy, partitions }: RowPlan,
  { maxItems = Infinity, maxRuntimeSeconds = Infinity, maxBatches = Infinity }: Parameters,
  rate: number | null,
): Promise<string[]> {
  // A partition takes as long as another, however many rows it has.
  const rowsPerSecond = strategy.walk ? (rate ?? dialect.rowsPerSecond) : Infinity;
  const { mostRows, mostMs } = { ...dialect.pace, ...dialect.besideOthers?.pace };
  const batch = strategy.walk
    ? atMost(Math.min(mostRows, (rowsPerSecond * mostMs) / 1_000), along)
    : due.items / Math.max(1, partitions.length);
  const rowsPerRun = Math.min(maxItems, maxBatches * (batch || Infinity));
  const seconds = Math.min(maxRuntimeSeconds, secondsPerRun(context, name));
  if (rowsPerRun === Infinity && (strategy.walk === null || seconds === Infinity)) return [];
  const { items } = await countIngest(policy.on, dialect, selection, facts, context.asOf);
  const { warning } = forecast({
    ingestPerDay: items,
    backlog: due.items,
    rowsPerRun,
    secondsPerRun: seconds,
    rowsPerSecond,
    runsPerDay: runsPerDay(context, name),
  });
  return warning === null ? [] : [warning];
}
