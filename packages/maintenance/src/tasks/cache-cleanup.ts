import { named, unknownNames, type PolicySet } from '../policies/policy-set.js';
import { cacheCleanupDetails, cacheCleanupParameters } from './cache-cleanup.schema.js';
import type { PlannedTarget } from './plan.js';
import { planDirectory, purgeDirectory } from './purge-directory.js';
import { planMemory, purgeMemory } from './purge-memory.js';
import { planRedis, purgeRedis } from './purge-redis.js';
import { purgeEach, type Purge } from './purge-each.js';
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
    const { policies, maxAgeDays } = parameters;
    const purge = (kind: Purge['kind'], policy: string, run: Purge['run']): Purge => ({ kind, policy, run });
    return purgeEach(context, [
      ...named(context.policies.memoryCaches, policies).map((policy) =>
        purge('memory', policy.name, () => purgeMemory(context, policy)),
      ),
      ...redisOf(context.policies, parameters).map((policy) =>
        purge('redis', policy.name, () => purgeRedis(context, policy)),
      ),
      ...named(context.policies.directoryCaches, policies).map((policy) =>
        purge('directory', policy.name, () => purgeDirectory(context, policy, { maxAgeDays })),
      ),
    ]);
  },
});
