import { named, unknownNames, type PolicySet } from '../policies/policy-set.js';
import { cacheCleanupDetails, cacheCleanupParameters } from './cache-cleanup.schema.js';
import type { PlannedTarget } from './plan.js';
import { planDirectory, purgeDirectory } from './purge-directory.js';
import { planMemory, purgeMemory } from './purge-memory.js';
import { planRedis, purgeRedis } from './purge-redis.js';
import { purgeResult, type PurgeReport } from './purge-report.js';
import { defineMaintenanceTask } from './task.js';

interface Wanted {
  policies?: readonly string[] | undefined;
  redisCleanup: boolean;
}

const redisOf = ({ redisCaches }: PolicySet, { policies, redisCleanup }: Wanted) =>
  redisCleanup ? named(redisCaches, policies) : [];

/** Cleans registered caches, the nearest first: in memory, in Redis, in files. */
export const cacheCleanup = defineMaintenanceTask({
  type: 'cache_cleanup',
  name: 'Cache cleanup',
  description: 'Cleans registered caches: in memory, Redis keys by pattern, and stale files',
  scope: 'host',
  parameters: cacheCleanupParameters,
  details: cacheCleanupDetails,
  check: ({ policies }, { memoryCaches, redisCaches, directoryCaches }) =>
    unknownNames([...memoryCaches, ...redisCaches, ...directoryCaches], policies),
  async plan(context, parameters) {
    const targets: PlannedTarget[] = named(context.policies.memoryCaches, parameters.policies).map(planMemory);
    for (const policy of redisOf(context.policies, parameters)) targets.push(await planRedis(context, policy));
    for (const policy of named(context.policies.directoryCaches, parameters.policies))
      targets.push(await planDirectory(context, policy, { maxAgeDays: parameters.maxAgeDays }));
    return { targets, warnings: [] };
  },
  async run(context, parameters) {
    const reports: PurgeReport[] = [];
    for (const policy of named(context.policies.memoryCaches, parameters.policies))
      reports.push(await purgeMemory(context, policy));
    for (const policy of redisOf(context.policies, parameters)) reports.push(await purgeRedis(context, policy));
    for (const policy of named(context.policies.directoryCaches, parameters.policies))
      reports.push(await purgeDirectory(context, policy, { maxAgeDays: parameters.maxAgeDays }));
    return purgeResult(reports);
  },
});
