import type { z } from 'zod';
import { describeError } from '@dotmac/core';
import { clearKeys } from '../caches/redis.js';
import { maintenanceErrors } from '../errors.js';
import { purgeStale, type Purged } from '../files/purge.js';
import { named, unknownNames, type CheckedDirectory } from '../policies/policy-set.js';
import type { RedisCachePolicy } from '../policies/policy.js';
import { cacheCleanupDetails, cacheCleanupParameters, type purgeReport } from './cache-cleanup.schema.js';
import { openPolicyRoot } from './open-policy-root.js';
import { defineMaintenanceTask, type TaskContext } from './task.js';

type Report = z.output<typeof purgeReport>;
const dayMs = 86_400_000;
const nothing: Purged = { seen: 0, removed: 0, bytes: 0 };

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
    const reports: Report[] = [];
    for (const policy of redisCleanup ? named(context.policies.redisCaches, names) : [])
      reports.push(await clearRedis(context, policy, dryRun));
    for (const policy of named(context.policies.directoryCaches, names))
      reports.push(await purgeDirectory(context, policy, maxAgeDays, dryRun));
    return purgeResult(reports, dryRun);
  },
});

/** The report of a task from those of its policies. */
export function purgeResult(policies: Report[], dryRun: boolean) {
  const sum = (of: (report: Report) => number): number => policies.reduce((total, it) => total + of(it), 0);
  return {
    itemsProcessed: sum(({ seen }) => seen),
    itemsCleaned: dryRun ? 0 : sum(({ removed }) => removed),
    bytesFreed: dryRun ? 0 : sum(({ bytes }) => bytes),
    skipped: policies.length > 0 && policies.every(({ outcome }) => outcome === 'busy'),
    details: { dryRun, policies },
  };
}

async function clearRedis(context: TaskContext, policy: RedisCachePolicy, dryRun: boolean): Promise<Report> {
  const { name } = policy;
  try {
    const cleared = await context.exclusively(`redis:${name}`, async (signal) =>
      clearKeys(await policy.redis(), policy.pattern, { dryRun, signal }),
    );
    return {
      policy: name,
      kind: 'redis',
      outcome: cleared ? 'done' : 'busy',
      ...(cleared ?? nothing),
      bytesApproximate: true,
    };
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.logger.warn({ policy: name, ...describeError(error) }, 'a cache did not answer');
    throw maintenanceErrors.CACHE_NOT_REACHABLE({ policy: name }, { cause: error });
  }
}

/** Removes the stale files of one policy's directory. */
export async function purgeDirectory(
  context: TaskContext,
  policy: CheckedDirectory,
  maxAgeDays: number | undefined,
  dryRun: boolean,
): Promise<Report> {
  const cutoff = context.clock.now() - (maxAgeDays ?? policy.maxAgeDays) * dayMs;
  const purged = await context.exclusively(`directory:${policy.directory}`, (signal) =>
    openPolicyRoot(policy, (root) => purgeStale(root, { cutoff, dryRun, signal })),
  );
  const outcome = purged === null ? 'busy' : purged.outcome;
  return { policy: policy.name, kind: 'directory', outcome, ...nothing, ...purged?.result, bytesApproximate: false };
}
