import { named, unknownNames } from '../policies/policy-set.js';
import { cacheCleanupDetails, diskCleanupParameters } from './cache-cleanup.schema.js';
import { purgeDirectory } from './purge-directory.js';
import { purgeResult } from './purge-report.js';
import { defineMaintenanceTask } from './task.js';

/** Removes stale files of registered directories. */
export const diskCleanup = defineMaintenanceTask({
  type: 'disk_cleanup',
  name: 'Disk cleanup',
  description: 'Removes files that nobody touched for long from registered directories',
  parameters: diskCleanupParameters,
  details: cacheCleanupDetails,
  check: ({ policies }, { directories }) => unknownNames(directories, policies),
  async run(context, { policies: names, maxAgeDays, dryRun }) {
    const reports = [];
    for (const policy of named(context.policies.directories, names))
      reports.push(await purgeDirectory(context, policy, maxAgeDays, dryRun));
    return purgeResult(reports, dryRun);
  },
});
