import type { z } from 'zod';
import { openPolicyRoot } from './open-policy-root.js';
import { rotateLogs, type RotationCounts } from '../files/rotate-logs.js';
import { named, unknownNames } from '../policies/policy-set.js';
import { logRotationDetails, logRotationParameters } from './log-rotation.schema.js';
import { planned, type PlannedTarget } from './plan.js';
import { defineMaintenanceTask, type PlanContext } from './task.js';

type Parameters = z.output<typeof logRotationParameters>;
type Report = z.output<typeof logRotationDetails>['policies'][number];

const nothing: RotationCounts = { seen: 0, rotated: 0, compressed: 0, deleted: 0, growing: 0, bytesFreed: 0 };
const [dayMs, megabyte] = [86_400_000, 1_048_576];

/** Rotates, compresses and retires log files in registered directories. */
export const logRotation = defineMaintenanceTask({
  type: 'log_rotation',
  name: 'Log rotation',
  scope: 'host',
  description: 'Rotates large or old logs in registered directories, compresses them and deletes those past retention',
  parameters: logRotationParameters,
  details: logRotationDetails,
  check: ({ policies }, { logs }) => unknownNames(logs, policies),
  async plan(context, parameters) {
    const how = { ...rotationOf(context, parameters), dryRun: true, signal: context.signal };
    const targets: PlannedTarget[] = [];
    for (const policy of named(context.policies.logs, parameters.policies)) {
      const found = await openPolicyRoot(policy, (root) => rotateLogs(root, policy, how));
      const { seen, rotated, deleted } = found.result ?? nothing;
      const target = { target: `logs:${policy.name}`, action: 'rotate', items: rotated + deleted, total: seen };
      targets.push(planned({ ...target, strategy: 'rename, then compress' }, [policy.directory, parameters]));
    }
    return { targets, warnings: [] };
  },
  async run(context, parameters) {
    const how = { ...rotationOf(context, parameters), dryRun: false };
    const policies: Report[] = [];
    for (const policy of named(context.policies.logs, parameters.policies)) {
      const progress = await context.target({ target: `logs:${policy.name}`, planned: null, total: null });
      const counts = await context.exclusively(`directory:${policy.directory}`, ({ signal }) =>
        openPolicyRoot(policy, (root) => rotateLogs(root, policy, { ...how, signal })),
      );
      const { seen, rotated, compressed, deleted } = counts?.result ?? nothing;
      await progress.advance({ seen, cleaned: Math.max(rotated, compressed) + deleted });
      const outcome = counts === null ? 'busy' : counts.outcome;
      policies.push({ policy: policy.name, outcome, ...nothing, ...counts?.result });
    }
    const bytesFreed = policies.reduce((total, it) => total + it.bytesFreed, 0);
    return {
      space: { returnedBytes: Math.max(0, bytesFreed) },
      skipped: policies.length > 0 && policies.every(({ outcome }) => outcome === 'busy'),
      details: { policies },
    };
  },
});

function rotationOf({ asOf }: PlanContext, { maxSizeMb, maxAgeDays, compressOldLogs }: Parameters) {
  return {
    maxBytes: maxSizeMb * megabyte,
    cutoff: asOf - maxAgeDays * dayMs,
    compress: compressOldLogs,
    now: asOf,
  };
}
