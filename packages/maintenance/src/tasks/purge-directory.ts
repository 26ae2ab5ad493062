import { purgeStale } from '../files/purge.js';
import type { CheckedDirectory } from '../policies/policy-set.js';
import { openPolicyRoot } from './open-policy-root.js';
import { nothingPurged, type PurgeReport } from './purge-report.js';
import type { TaskContext } from './task.js';

const dayMs = 86_400_000;

/** Removes the stale files of one policy's directory. */
export async function purgeDirectory(
  context: TaskContext,
  policy: CheckedDirectory,
  maxAgeDays: number | undefined,
  dryRun: boolean,
): Promise<PurgeReport> {
  const cutoff = context.clock.now() - (maxAgeDays ?? policy.maxAgeDays) * dayMs;
  const purged = await context.exclusively(`directory:${policy.directory}`, (signal) =>
    openPolicyRoot(policy, (root) => purgeStale(root, { cutoff, dryRun, signal })),
  );
  const outcome = purged === null ? 'busy' : purged.outcome;
  return {
    policy: policy.name,
    kind: 'directory',
    outcome,
    ...nothingPurged,
    ...purged?.result,
    bytesApproximate: false,
  };
}
