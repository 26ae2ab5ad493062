import { named, unknownNames } from '../policies/policy-set.js';
import { cacheCleanupDetails, diskCleanupParameters } from './cache-cleanup.schema.js';
import type { PlannedTarget } from './plan.js';
import { planDirectory, purgeDirectory } from './purge-directory.js';
import { purgeResult, type PurgeReport } from './purge-report.js';
import { defineMaintenanceTask } from './task.js';

/** Removes stale files of registered directories. */
export const diskCleanup = defineMaintenanceTask({
  type: 'disk_cleanup',
  name: 'Disk cleanup',
  description: 'Removes files that nobody touched for long from registered directories',
  scope: 'host',
  parameters: diskCleanupParameters,
  details: cacheCleanupDetails,
  check: ({ policies }, { directories }) => unknownNames(directories, policies),
  async plan(context, { policies, maxAgeDays }) {
    const targets: PlannedTarget[] = [];
    for (const policy of named(context.policies.directories, policies))
      targets.push(await planDirectory(context, policy, maxAgeDays));
    return { targets, warnings: [] };
  },
  async run(context, { policies, maxAgeDays }) {
    const reports: PurgeReport[] = [];
    for (const policy of named(context.policies.directories, policies))
      reports.push(await purgeDirectory(context, policy, maxAgeDays));
    return purgeResult(reports);
  },
});
