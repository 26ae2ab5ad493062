import { named, unknownNames, type PolicySet } from '../policies/policy-set.js';
import { cacheCleanupDetails, cacheCleanupParameters } from './cache-cleanup.schema.js';
import type { PlannedTarget } from './plan.js';
import { planDirectory, purgeDirectory } from './purge-directory.js';
import { planRedis, purgeRedis } from './purge-redis.js';
import { purgeResult, type PurgeReport } from './purge-report.js';
import { defineMaintenanceTask } from './task.js';

interface Wanted {
  policies?: readonly string[] | undefined;
  redisCleanup: boolean;
}

const redisOf = ({ redisCaches }: PolicySet, { policies, redisCleanup }: Wanted) =>
  redisCleanup ? named(redisCaches, policies) : [];

/** Removes Redis keys by registered patterns, and stale files of registered cache directories. */
export const cacheCleanup = defineMaintenanceTask({
  type: 'cache_cleanup',
  name: 'Cache cleanup',
  description: 'Removes Redis keys by registered patterns and stale files from registered cache directories',
  scope: 'host',
  parameters: cacheCleanupParameters,
  details: cacheCleanupDetails,
  check: ({ policies }, { redisCaches, directoryCaches }) =>
    unknownNames([...redisCaches, ...directoryCaches], policies),
  async plan(context, parameters) {
    const targets: PlannedTarget[] = [];
    for (const policy of redisOf(context.policies, parameters)) targets.push(await planRedis(context, policy));
    for (const policy of named(context.policies.directoryCaches, parameters.policies))
      targets.push(await planDirectory(context, policy, parameters.maxAgeDays));
    return { targets, warnings: [] };
  },
  async run(context, parameters) {
    const reports: PurgeReport[] = [];
    for (const policy of redisOf(context.policies, parameters)) reports.push(await purgeRedis(context, policy));
    for (const policy of named(context.policies.directoryCaches, parameters.policies))
      reports.push(await purgeDirectory(context, policy, parameters.maxAgeDays));
    return purgeResult(reports);
  },
});
