import { describeError } from '@dotmac/core';
import { clearKeys } from '../caches/redis.js';
import { maintenanceErrors } from '../errors.js';
import type { RedisCachePolicy } from '../policies/policy.js';
import { planned, type PlannedTarget } from './plan.js';
import { nothingPurged, type PurgeReport } from './purge-report.js';
import type { PlanContext, TaskContext } from './task.js';

/** What would go of one policy's keys. */
export async function planRedis(context: PlanContext, policy: RedisCachePolicy): Promise<PlannedTarget> {
  const { removed, bytes } = await reached(context, policy, async () =>
    clearKeys(await policy.redis(), policy.pattern, { dryRun: true, signal: context.signal }),
  );
  const target = { target: `redis:${policy.name}`, action: 'delete', items: removed, bytes };
  return planned({ ...target, strategy: 'keys of the pattern, by SCAN and UNLINK' }, policy.pattern);
}

/**
 * Removes the keys of one policy's pattern.
 * @throws CACHE_NOT_REACHABLE
 */
export async function purgeRedis(context: TaskContext, policy: RedisCachePolicy): Promise<PurgeReport> {
  const progress = await context.target({ target: `redis:${policy.name}`, planned: null, total: null });
  const cleared = await reached(context, policy, () =>
    context.exclusively(
      `redis:${policy.name}`,
      async ({ signal }) => clearKeys(await policy.redis(), policy.pattern, { dryRun: false, signal }),
      'cluster',
    ),
  );
  const { seen, removed, bytes } = cleared ?? nothingPurged;
  await progress.advance({ seen, cleaned: removed });
  const outcome = cleared ? 'done' : 'busy';
  return { policy: policy.name, kind: 'redis', outcome, seen, removed, bytes, bytesApproximate: true };
}

async function reached<Result>(
  { signal, logger }: PlanContext,
  { name }: RedisCachePolicy,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) throw error;
    logger.warn({ policy: name, ...describeError(error) }, 'a cache did not answer');
    throw maintenanceErrors.CACHE_NOT_REACHABLE({ policy: name }, { cause: error });
  }
}
