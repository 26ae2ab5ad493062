import { describeError } from '@dotmac/core';
import { clearKeys } from '../caches/redis.js';
import { maintenanceErrors } from '../errors.js';
import type { RedisCachePolicy } from '../policies/policy.js';
import { nothingPurged, type PurgeReport } from './purge-report.js';
import type { TaskContext } from './task.js';

/**
 * Removes the keys of one policy's pattern.
 * @throws CACHE_NOT_REACHABLE
 */
export async function purgeRedis(
  context: TaskContext,
  policy: RedisCachePolicy,
  dryRun: boolean,
): Promise<PurgeReport> {
  const { name } = policy;
  try {
    const cleared = await context.exclusively(`redis:${name}`, async (signal) =>
      clearKeys(await policy.redis(), policy.pattern, { dryRun, signal }),
    );
    return {
      policy: name,
      kind: 'redis',
      outcome: cleared ? 'done' : 'busy',
      ...(cleared ?? nothingPurged),
      bytesApproximate: true,
    };
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.logger.warn({ policy: name, ...describeError(error) }, 'a cache did not answer');
    throw maintenanceErrors.CACHE_NOT_REACHABLE({ policy: name }, { cause: error });
  }
}
