import { purgeStale } from '../files/purge.js';
import type { CheckedDirectory } from '../policies/policy-set.js';
import { openPolicyRoot } from './open-policy-root.js';
import { planned, type PlannedTarget } from './plan.js';
import { nothingPurged, type PurgeReport } from './purge-report.js';
import type { PlanContext, TaskContext } from './task.js';

const dayMs = 86_400_000;

const cutoffOf = ({ asOf }: PlanContext, policy: CheckedDirectory, maxAgeDays: number | undefined): number =>
  asOf - (maxAgeDays ?? policy.maxAgeDays) * dayMs;

/** What would go of one policy's directory. */
export async function planDirectory(
  context: PlanContext,
  policy: CheckedDirectory,
  maxAgeDays: number | undefined,
): Promise<PlannedTarget> {
  const cutoff = cutoffOf(context, policy, maxAgeDays);
  const found = await openPolicyRoot(policy, (root) =>
    purgeStale(root, { cutoff, dryRun: true, signal: context.signal }),
  );
  const { seen, removed, bytes } = found.result ?? nothingPurged;
  const target = { target: `directory:${policy.name}`, action: 'delete', items: removed, total: seen, bytes };
  return planned({ ...target, strategy: 'files that nobody touched since the cutoff' }, [policy.directory, maxAgeDays]);
}

/** Removes the stale files of one policy's directory. */
export async function purgeDirectory(
  context: TaskContext,
  policy: CheckedDirectory,
  maxAgeDays: number | undefined,
): Promise<PurgeReport> {
  const progress = await context.target({ target: `directory:${policy.name}`, planned: null, total: null });
  const cutoff = cutoffOf(context, policy, maxAgeDays);
  const purged = await context.exclusively(`directory:${policy.directory}`, ({ signal }) =>
    openPolicyRoot(policy, (root) => purgeStale(root, { cutoff, dryRun: false, signal })),
  );
  const outcome = purged === null ? 'busy' : purged.outcome;
  const { seen, removed, bytes } = purged?.result ?? nothingPurged;
  await progress.advance({ seen, cleaned: removed, bytes });
  return { policy: policy.name, kind: 'directory', outcome, seen, removed, bytes, bytesApproximate: false };
}
