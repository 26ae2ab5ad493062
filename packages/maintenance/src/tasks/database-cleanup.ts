import type { z } from 'zod';
import { describeError } from '@dotmac/core';
import type { MaintainedDatabase, RowSelection, TableFacts } from '../databases/database.js';
import { deleteRows } from '../databases/delete-rows.js';
import { maintained } from '../databases/maintained.js';
import { maintenanceErrors } from '../errors.js';
import { named, unknownNames, type CheckedRetention } from '../policies/policy-set.js';
import { databaseCleanupDetails, databaseCleanupParameters } from './database-cleanup.schema.js';
import { planned, type PlannedTarget } from './plan.js';
import { defineMaintenanceTask, type PlanContext, type TaskContext } from './task.js';

type Parameters = z.output<typeof databaseCleanupParameters>;
type PolicyReport = z.output<typeof databaseCleanupDetails>['policies'][number];

interface Cleaned {
  report: PolicyReport;
  bytesFreed: number;
  reusableBytes: number;
  approximate: boolean;
}

const dayMs = 86_400_000;

/** Deletes rows past their retention, policy by policy. */
export const databaseCleanup = defineMaintenanceTask({
  type: 'database_cleanup',
  name: 'Database cleanup',
  description: 'Deletes rows past their retention from registered tables, in small batches',
  parameters: databaseCleanupParameters,
  details: databaseCleanupDetails,
  check: ({ policies, retentionDays }, { retention }) => [
    ...unknownNames(retention, policies),
    ...named(retention, policies)
      .filter(({ minRetentionDays }) => retentionDays !== undefined && retentionDays < minRetentionDays)
      .map(({ name, minRetentionDays }) => ({
        path: 'retention_days',
        message: `The policy ${name} keeps at least ${minRetentionDays} days`,
      })),
  ],
  async plan(context, parameters) {
    const targets: PlannedTarget[] = [];
    for (const policy of named(context.policies.retention, parameters.policies)) {
      const database = maintained(policy.on);
      const facts = await factsOf(database, policy);
      const selection = selectionOf(context, policy, parameters);
      const items = await database.countRows(selection, facts.timeType as string);
      const target = { target: targetOf(policy), action: 'delete', items, strategy: 'along the primary key' };
      targets.push(planned(target, [policy.table, policy.timeColumn, facts]));
    }
    return { targets, warnings: [] };
  },
  async run(context, parameters) {
    const all: Cleaned[] = [];
    // All are described before the first row goes: a policy that does not fit its table fails the run at once.
    const chosen = named(context.policies.retention, parameters.policies);
    const facts = new Map<string, TableFacts>();
    for (const policy of chosen) facts.set(policy.name, await factsOf(maintained(policy.on), policy));
    for (const policy of chosen)
      all.push(await cleanExclusively(context, policy, facts.get(policy.name) as TableFacts, parameters));
    return {
      space: {
        returnedBytes: all.reduce((sum, { bytesFreed }) => sum + bytesFreed, 0),
        reusableBytes: all.reduce((sum, { reusableBytes }) => sum + reusableBytes, 0),
      },
      skipped: all.length > 0 && all.every(({ report }) => report.outcome === 'busy'),
      details: {
        sizesApproximate: all.some(({ approximate }) => approximate),
        policies: all.map(({ report }) => report),
      },
    };
  },
});

/** @throws TABLE_NOT_MAINTAINABLE when the table, its key or its time column is not as the policy needs it */
async function factsOf(database: MaintainedDatabase, policy: CheckedRetention): Promise<TableFacts> {
  const refuse = (reason: string): Error => maintenanceErrors.TABLE_NOT_MAINTAINABLE({ policy: policy.name, reason });
  const facts = await database.describe(policy);
  if (!facts) throw refuse('its table does not exist');
  if (facts.key.length === 0) throw refuse('its table has no primary key');
  if (facts.timeType === undefined) throw refuse('its table has no such time column');
  if (!database.keeps(facts.timeType, policy.timeUnit))
    throw refuse(`its time column, of type ${facts.timeType}, does not keep instants as ${policy.timeUnit}`);
  return facts;
}

function cutoffOf({ timeUnit, retentionDays }: CheckedRetention, now: number, asked: number | undefined): number {
  const cutoff = Math.floor(now - (asked ?? retentionDays) * dayMs);
  // A column of whole seconds is compared with whole seconds; rounded towards keeping.
  return timeUnit === 's' ? Math.floor(cutoff / 1000) * 1000 : cutoff;
}

const targetOf = ({ database, table }: CheckedRetention): string => `table:${database}.${table}`;

function selectionOf({ asOf }: PlanContext, policy: CheckedRetention, { retentionDays }: Parameters): RowSelection {
  const { table, timeColumn, timeUnit } = policy;
  return { table, timeColumn, timeUnit, cutoff: cutoffOf(policy, asOf, retentionDays) };
}

async function cleanExclusively(
  context: TaskContext,
  policy: CheckedRetention,
  facts: TableFacts,
  parameters: Parameters,
): Promise<Cleaned> {
  const { name, table, timeColumn } = policy;
  const selection = selectionOf(context, policy, parameters);
  const warnings = facts.timeIndexed ? [] : [`No index begins with ${timeColumn}: every run reads the whole table.`];
  const report = {
    policy: name,
    table,
    outcome: 'done',
    cutoff: selection.cutoff,
    rows: 0,
    batches: 0,
    warnings,
  } as const;
  const database = maintained(policy.on);
  const progress = await context.target({ target: targetOf(policy), planned: null, total: null });
  const cleaned = await context.exclusively(targetOf(policy), ({ signal }) =>
    clean({ ...context, signal }, database, selection, facts, report, parameters.vacuumAnalyze),
  );
  await progress.advance({ cleaned: cleaned?.report.rows ?? 0 });
  return cleaned ?? { report: { ...report, outcome: 'busy' }, bytesFreed: 0, reusableBytes: 0, approximate: false };
}

async function clean(
  { clock, signal, logger }: TaskContext,
  database: MaintainedDatabase,
  selection: RowSelection,
  facts: TableFacts,
  report: PolicyReport,
  vacuum: boolean,
): Promise<Cleaned> {
  const before = await database.size(selection.table);
  const { deleted, batches } = await deleteRows(database, selection, facts, { clock, signal });
  const warnings = [...report.warnings];
  if (vacuum)
    await database.vacuum(selection.table).catch((error: unknown) => {
      // The rows are gone all the same: the next run, or the database itself, will vacuum.
      logger.warn({ policy: report.policy, ...describeError(error) }, 'vacuum or analyze failed after a cleanup');
      warnings.push('Vacuum or analyze did not succeed.');
    });
  const after = await database.size(selection.table);
  return {
    report: { ...report, rows: deleted, batches, warnings },
    bytesFreed: Math.max(0, before.bytes - after.bytes),
    reusableBytes: after.reusableBytes,
    approximate: after.approximate,
  };
}
