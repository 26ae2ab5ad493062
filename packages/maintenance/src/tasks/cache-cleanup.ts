import { named, unknownNames } from '../policies/policy-set.js';
import { cacheCleanupDetails, cacheCleanupParameters } from './cache-cleanup.schema.js';
import { purgeDirectory } from './purge-directory.js';
import { purgeRedis } from './purge-redis.js';
import { purgeResult, type PurgeReport } from './purge-report.js';
import { defineMaintenanceTask } from './task.js';

/** Removes Redis keys by registered patterns, and stale files of registered cache directories. */
export const cacheCleanup = defineMaintenanceTask({
  type: 'cache_cleanup',
  name: 'Cache cleanup',
  description: 'Removes Redis keys by registered patterns and stale files from registered cache directories',
  parameters: cacheCleanupParameters,
  details: cacheCleanupDetails,
  check: ({ policies }, { redisCaches, directoryCaches }) =>
    unknownNames([...redisCaches, ...directoryCaches], policies),
  async run(context, { policies: names, redisCleanup, maxAgeDays, dryRun }) {
    const reports: PurgeReport[] = [];
    for (const policy of redisCleanup ? named(context.policies.redisCaches, names) : [])
      reports.push(await purgeRedis(context, policy, dryRun));
    for (const policy of named(context.policies.directoryCaches, names))
      reports.push(await purgeDirectory(context, policy, maxAgeDays, dryRun));
    return purgeResult(reports, dryRun);
  },
});
