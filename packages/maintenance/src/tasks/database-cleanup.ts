import type { z } from 'zod';
import { countIngest } from '../databases/rows/count.js';
import { predicateText, tableLabel } from '../databases/rows/due.js';
import { forecast } from '../databases/rows/forecast.js';
import { planRows, previewRows, type RowPlan } from '../databases/rows/plan-rows.js';
import { prepareAll, type Prepared } from '../databases/rows/prepare.js';
import { named, unknownNames } from '../policies/policy-set.js';
import { cleanPolicy, type CleanedTable } from './clean-policy.js';
import { databaseCleanupDetails, databaseCleanupParameters } from './database-cleanup.schema.js';
import { measuredRates } from './measured-rate.js';
import { planned, type PlannedTarget } from './plan.js';
import { runsPerDay } from './runs-per-day.js';
import { defineMaintenanceTask, type PlanContext, type Space } from './task.js';

type Parameters = z.output<typeof databaseCleanupParameters>;

/** Deletes rows past their retention, policy by policy, those first that others wait for. */
export const databaseCleanup = defineMaintenanceTask({
  type: 'database_cleanup',
  name: 'Database cleanup',
  description: 'Deletes rows past their retention from registered tables, in small batches',
  parameters: databaseCleanupParameters,
  details: databaseCleanupDetails,
  check: ({ policies }, { retention }) => unknownNames(retention, policies),
  async plan(context, parameters) {
    const targets: PlannedTarget[] = [];
    const warnings: string[] = [];
    const measured = await measuredRates(context);
    for (const prepared of await prepare(context, parameters)) {
      const plan = await planRows(prepared);
      const preview = await previewRows(prepared, plan);
      const rate = measured(prepared.name);
      targets.push(targetFor(prepared, plan, preview, rate));
      const more = await willConverge(context, prepared, plan, parameters, rate);
      warnings.push(...[...preview.warnings, ...more].map((warning) => `${prepared.name}: ${warning}`));
    }
    return { targets, warnings };
  },
  async run(context, parameters) {
    // All are looked up before the first row goes: a policy that does not fit its table fails the run at once.
    const prepared = await prepare(context, parameters);
    const all: CleanedTable[] = [];
    for (const one of prepared) {
      if (context.isOver) break;
      all.push(await cleanPolicy(context, one, parameters));
    }
    const sum = (of: (space: Space) => number): number => all.reduce((total, { space }) => total + of(space), 0);
    return {
      space: {
        returnedBytes: sum((it) => it.returnedBytes),
        reusableBytes: sum((it) => it.reusableBytes),
        estimatedBytes: sum((it) => it.estimatedBytes),
      },
      skipped: all.length > 0 && all.every(({ report }) => report.outcome === 'busy'),
      details: {
        sizesApproximate: prepared.some(({ dialect }) => !dialect.sizesMeasured),
        policies: all.map(({ report }) => report),
      },
    };
  },
});

function prepare({ policies, asOf }: PlanContext, parameters: Parameters): Promise<Prepared[]> {
  return prepareAll(named(policies.retention, parameters.policies), asOf, parameters.retentionDays);
}

function targetFor(
  prepared: Prepared,
  { due, total, strategy, partitions }: RowPlan,
  { sample, statements, cascades }: Awaited<ReturnType<typeof previewRows>>,
  rate: number | null,
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
      bytes: partitions.length > 0 ? partitions.reduce((sum, { partition }) => sum + partition.bytes, 0) : null,
      strategy: strategy.why,
      sample,
      statements,
      cascades: cascades.map(({ table, onDelete, items }) => ({ target: `${onDelete}: ${table}`, items })),
      estimatedMs: strategy.walk && rate !== null ? Math.ceil((due.items / rate) * 1000) : null,
    },
    {
      table: tableLabel(selection),
      column: [selection.timeColumn, selection.timeUnit, policy.retentionDays],
      where: selection.where && predicateText(selection.where, policy.on),
      keepNewest: selection.keepNewest,
      archive: archive ?? policy.archive,
      facts: { ...facts, estimatedRows: null },
    },
  );
}

/** Would runs within these budgets, as often as they are scheduled, keep up with what comes? */
async function willConverge(
  context: PlanContext,
  { name, policy, dialect, selection, facts }: Prepared,
  { due, strategy }: RowPlan,
  { maxItems, maxRuntimeSeconds }: Parameters,
  rate: number | null,
): Promise<string[]> {
  if (strategy.walk === null || (maxItems === undefined && maxRuntimeSeconds === undefined)) return [];
  const { items } = await countIngest(policy.on, dialect, selection, facts, context.asOf);
  const { warning } = forecast({
    ingestPerDay: items,
    backlog: due.items,
    rowsPerRun: maxItems ?? Infinity,
    secondsPerRun: maxRuntimeSeconds ?? Infinity,
    rowsPerSecond: rate ?? dialect.rowsPerSecond,
    runsPerDay: runsPerDay(context, name),
  });
  return warning === null ? [] : [warning];
}
