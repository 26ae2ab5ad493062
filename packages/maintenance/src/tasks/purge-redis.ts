import { describeError, isOperationError } from '@dotmac/core';
import { countKeys } from '../caches/redis/count.js';
import { given, identityOf, keysOf, nodesOf } from '../caches/redis/nodes.js';
import { sweepKeys, type SweepCursor } from '../caches/redis/sweep.js';
import type { KeyTreatment } from '../caches/redis/treatment.js';
import { maintenanceErrors } from '../errors.js';
import type { CheckedRedis } from '../policies/upkeep-policies.js';
import { defaultRates, msFor } from './default-rates.js';
import { megabytes } from './parameters.js';
import { planned, type PlannedTarget } from './plan.js';
import { nothingPurged, type PurgeReport } from './purge-report.js';
import type { PlanContext, TaskContext } from './task.js';

const treatmentOf = ({ action, ttlSeconds, minIdleSeconds, minBytes }: CheckedRedis): KeyTreatment => {
  return { action, ttlSeconds, minIdleSeconds: minIdleSeconds ?? null, minBytes: minBytes ?? null };
};

/** What would become of one policy's keys. */
export async function planRedis(context: PlanContext, policy: CheckedRedis): Promise<PlannedTarget> {
  const { clock, signal } = context;
  const { pattern, dutyCycle, action } = policy;
  const treatment = treatmentOf(policy);
  const { keys, seen, bytes, exact, sample } = await reached(context, policy, async () =>
    countKeys(await given(policy.redis(), context), { clock, signal, pattern, treatment, dutyCycle }),
  );
  const estimatedMs = msFor(seen, defaultRates.keys);
  const target = { target: `redis:${policy.name}`, items: keys, toSee: seen, exact, sample, estimatedMs };
  const servers = await reached(context, policy, async () =>
    identityOf(await nodesOf(await given(policy.redis(), context), context)),
  );
  const configuration = [pattern, treatment, servers];
  return action === 'expire'
    ? planned({ ...target, action, strategy: 'keys without a time to live get one' }, configuration)
    : planned(
        {
          ...target,
          action: 'delete',
          bytes,
          bytesFrom: 'estimated',
          strategy: 'keys of the pattern, by SCAN and UNLINK',
        },
        configuration,
      );
}

/**
 * Removes the keys of one policy's pattern, or gives them a time to live.
 * @throws CACHE_ADDS_PREFIX
 * @throws CACHE_NOT_REACHABLE
 * @throws CACHE_KEEPS_NO_IDLE_TIMES
 * @throws CACHE_REFUSES_SCRIPTS
 */
export async function purgeRedis(context: TaskContext, policy: CheckedRedis): Promise<PurgeReport> {
  const { name: policyName, pattern, dutyCycle, action } = policy;
  const report = { policy: policyName, kind: 'redis', bytesApproximate: true } as const;
  const expected = await reached(context, policy, () => expectedOf(context, policy));
  const { maxShare } = policy;
  const progress = await context.target({ target: `redis:${policyName}`, ...expected, maxShare });
  if (progress.isDone) return { ...report, outcome: 'done', ...nothingPurged };
  const sweep = async (signal: AbortSignal) =>
    sweepKeys(await given(policy.redis(), { clock: context.clock, signal }), {
      clock: context.clock,
      signal,
      pattern,
      treatment: treatmentOf(policy),
      dutyCycle,
      cursor: progress.cursor as SweepCursor | undefined,
      remaining: () => progress.remaining,
      onBatch: ({ seen, changed, cursor }) => progress.advance({ seen, cleaned: changed, cursor }),
    });
  const swept = await context.exclusively(
    `redis:${policyName}`,
    ({ signal }) => reached(context, policy, () => sweep(signal)),
    'cluster',
  );
  if (!swept) return { ...report, outcome: 'busy', ...nothingPurged };
  if (swept.finished) progress.done();
  const { seen, changed, bytes, memoryBefore, memoryAfter } = swept;
  const counts = action === 'expire' ? { removed: 0, expiring: changed, bytes: 0 } : { removed: changed, bytes };
  const memory = { beforeMb: inMegabytes(memoryBefore), afterMb: inMegabytes(memoryAfter) };
  return { ...report, outcome: swept.finished ? 'done' : 'partial', seen, ...counts, memory };
}

/** What is to go, and of how much: where that is wanted, for it takes a scan of its own. */
async function expectedOf(
  { clock, signal, relief }: TaskContext,
  policy: CheckedRedis,
): Promise<{ planned: number | null; toSee: number | null; total: number | null }> {
  const { pattern, dutyCycle, maxShare } = policy;
  if (maxShare === undefined) return { planned: null, toSee: null, total: null };
  const client = await given(policy.redis(), { clock, signal });
  const { keys: planned, seen: toSee } = await countKeys(client, {
    ...{ clock, signal, relief, pattern, dutyCycle },
    treatment: treatmentOf(policy),
  });
  return { planned, toSee, total: await keysOf(await nodesOf(client, { clock, signal })) };
}

const inMegabytes = (bytes: number | null): number | null => (bytes === null ? null : megabytes(bytes));

/** By the user's permissions, or because the command was taken away. */
const refusedScript = /(NOPERM|unknown command).*\beval/i;

async function reached<Result>(
  { signal, logger }: PlanContext,
  { name: policy }: CheckedRedis,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted || isOperationError(error)) throw error;
    logger.warn({ policy, ...describeError(error) }, 'a cache did not answer');
    if (/\bLFU\b/.test(String(error))) throw maintenanceErrors.CACHE_KEEPS_NO_IDLE_TIMES({ policy }, { cause: error });
    if (refusedScript.test(String(error))) throw maintenanceErrors.CACHE_REFUSES_SCRIPTS({ policy }, { cause: error });
    throw maintenanceErrors.CACHE_NOT_REACHABLE({ policy }, { cause: error });
  }
}
