import type { z } from 'zod';
import { named, unknownNames, type PolicySet } from '../policies/policy-set.js';
import { cacheCleanupDetails, cacheCleanupParameters, type CacheTier } from './cache-cleanup.schema.js';
import type { Controls } from './controls.js';
import type { PlannedTarget } from './plan.js';
import { planEach } from './plan-each.js';
import { planDirectory, purgeDirectory } from './purge-directory.js';
import { planMemory, purgeMemory } from './purge-memory.js';
import { planRedis, purgeRedis } from './purge-redis.js';
import { purgeEach, type Purge } from './purge-each.js';
import { defineMaintenanceTask, type TaskScope } from './task.js';

type Parameters = z.output<typeof cacheCleanupParameters>;

/** Whose things the caches of each tier are: all share a Redis, a machine has its files, a process its own memory. */
const scopes: Record<CacheTier, TaskScope> = { redis: 'cluster', files: 'host', memory: 'process' };
const tiersByScope = Object.keys(scopes) as CacheTier[];

/** The policies of each tier that are meant. */
function meant(policies: PolicySet, { policies: names, tiers, redisCleanup }: Omit<Parameters, keyof Controls>) {
  const of = <Policy extends { name: string }>(tier: CacheTier, all: readonly Policy[]): Policy[] =>
    tiers === undefined || tiers.includes(tier) ? named(all, names) : [];
  return {
    memory: of('memory', policies.memoryCaches),
    redis: redisCleanup ? of('redis', policies.redisCaches) : [],
    files: of('files', policies.directoryCaches),
  };
}

/** Cleans registered caches, the nearest first: in memory, in Redis, in files. */
export const cacheCleanup = defineMaintenanceTask({
  type: 'cache_cleanup',
  name: 'Cache cleanup',
  description: 'Cleans registered caches: in memory, Redis keys by pattern, and stale files',
  // A request reaches the memory of the process that answers it, and what that process shares with others.
  scope: 'host',
  scopeOf: ({ tiers }) => (tiers?.length === 1 ? scopes[tiers[0] as CacheTier] : 'host'),
  partsOf(parameters, policies) {
    const found = meant(policies, parameters);
    const there = tiersByScope.filter((tier) => found[tier].length > 0);
    const parts = there.map((tier) => ({ ...parameters, tiers: [tier] }));
    return parts.length > 0 ? parts : [parameters];
  },
  parameters: cacheCleanupParameters,
  details: cacheCleanupDetails,
  check: ({ policies }, { memoryCaches, redisCaches, directoryCaches }) =>
    unknownNames([...memoryCaches, ...redisCaches, ...directoryCaches], policies),
  plan(context, parameters) {
    const { memory, redis, files } = meant(context.policies, parameters);
    const { maxAgeDays } = parameters;
    const look = ({ name }: { name: string }, plan: () => PlannedTarget | Promise<PlannedTarget>) => ({ name, plan });
    const looks = [
      ...memory.map((policy) => look(policy, () => planMemory(policy))),
      ...redis.map((policy) => look(policy, () => planRedis(context, policy))),
      ...files.map((policy) => look(policy, () => planDirectory(context, policy, { maxAgeDays }))),
    ];
    return planEach(context, looks, async ({ plan }) => [await plan()]);
  },
  async run(context, parameters) {
    const { maxAgeDays } = parameters;
    const { memory, redis, files } = meant(context.policies, parameters);
    const purge = (kind: Purge['kind'], policy: string, run: Purge['run']): Purge => {
      return { kind, policy, target: `${kind}:${policy}`, run };
    };
    return purgeEach(context, [
      ...memory.map((policy) => purge('memory', policy.name, () => purgeMemory(context, policy))),
      ...redis.map((policy) => purge('redis', policy.name, () => purgeRedis(context, policy))),
      ...files.map((policy) => purge('directory', policy.name, () => purgeDirectory(context, policy, { maxAgeDays }))),
    ]);
  },
});
