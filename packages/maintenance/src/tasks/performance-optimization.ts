import type { z } from 'zod';
import type { MaintainedDatabase } from '../databases/database.js';
import { maintained } from '../databases/maintained.js';
import type { CheckedRetention } from '../policies/policy-set.js';
import {
  performanceOptimizationDetails,
  performanceOptimizationParameters,
} from './performance-optimization.schema.js';
import { planned } from './plan.js';
import { defineMaintenanceTask, type TaskContext } from './task.js';

type Parameters = z.output<typeof performanceOptimizationParameters>;
type DatabaseReport = z.output<typeof performanceOptimizationDetails>['databases'][number];

const slowQueriesShown = 10;

/** Statistics, index upkeep and advice for the registered tables. */
export const performanceOptimization = defineMaintenanceTask({
  type: 'performance_optimization',
  name: 'Performance optimization',
  description: 'Updates statistics of registered tables, rebuilds their indexes on demand, and advises on both',
  parameters: performanceOptimizationParameters,
  details: performanceOptimizationDetails,
  plan({ policies }) {
    const targets = policies.retention.map(({ database, table }) =>
      planned({ target: `table:${database}.${table}`, action: 'analyze', items: 1, strategy: 'statistics' }, table),
    );
    const distinct = [...new Map(targets.map((it) => [it.target, it])).values()];
    return Promise.resolve({ targets: distinct, warnings: [] });
  },
  async run(context, parameters) {
    const databases: DatabaseReport[] = [];
    let bytesFreed = 0;
    for (const [name, { dialect }] of Object.entries(context.policies.databases)) {
      const own = context.policies.retention.filter(({ database }) => database === name);
      if (own.length === 0) continue;
      const report = await optimize(context, name, own, parameters);
      databases.push({ ...report.details, dialect });
      bytesFreed += report.bytesFreed;
    }
    return { space: { returnedBytes: bytesFreed }, details: { databases } };
  },
});

async function optimize(context: TaskContext, name: string, own: readonly CheckedRetention[], parameters: Parameters) {
  const [{ on }] = own as [CheckedRetention];
  const database = maintained(on);
  const details = {
    database: name,
    tablesAnalyzed: 0,
    indexesRebuilt: 0,
    tablesBusy: [] as string[],
    tablesMissing: [] as string[],
  };
  const present: string[] = [];
  let bytesFreed = 0;
  for (const [table, policy] of new Map(own.map((it) => [it.table, it]))) {
    context.signal.throwIfAborted();
    if (!(await database.describe(policy))) {
      details.tablesMissing.push(table);
      continue;
    }
    present.push(table);
    const target = `table:${name}.${table}`;
    const progress = await context.target({ target, planned: 1, total: null });
    const done = await context.exclusively(target, () => upkeep(database, table, parameters));
    await progress.advance({ seen: 1, cleaned: done ? 1 : 0 });
    if (!done) details.tablesBusy.push(table);
    details.tablesAnalyzed += done && parameters.updateStatistics ? 1 : 0;
    details.indexesRebuilt += done?.rebuilt ?? 0;
    bytesFreed += done?.bytesFreed ?? 0;
  }
  const indexAdvice = await database.adviseIndexes(present);
  const slow = parameters.analyzeQueries ? await database.slowQueries(slowQueriesShown) : null;
  const slowQueries = slow && { ...slow, queries: [...slow.queries] };
  return { bytesFreed, details: { ...details, indexAdvice, slowQueries } };
}

async function upkeep(database: MaintainedDatabase, table: string, parameters: Parameters) {
  if (parameters.updateStatistics) await database.analyze(table);
  if (!parameters.optimizeIndexes) return { rebuilt: 0, bytesFreed: 0 };
  const before = await database.size(table);
  const rebuilt = await database.rebuildIndexes(table);
  const after = await database.size(table);
  return { rebuilt, bytesFreed: Math.max(0, before.bytes - after.bytes) };
}
