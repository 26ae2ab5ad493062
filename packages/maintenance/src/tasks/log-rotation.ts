import type { z } from 'zod';
import { openPolicyRoot } from './open-policy-root.js';
import { rotateLogs, type RotationCounts } from '../files/rotate-logs.js';
import { named, unknownNames } from '../policies/policy-set.js';
import { logRotationDetails, logRotationParameters } from './log-rotation.schema.js';
import { defineMaintenanceTask } from './task.js';

type Report = z.output<typeof logRotationDetails>['policies'][number];

const nothing: RotationCounts = { seen: 0, rotated: 0, compressed: 0, deleted: 0, growing: 0, bytesFreed: 0 };
const [dayMs, megabyte] = [86_400_000, 1_048_576];

/** Rotates, compresses and retires log files in registered directories. */
export const logRotation = defineMaintenanceTask({
  type: 'log_rotation',
  name: 'Log rotation',
  description: 'Rotates large or old logs in registered directories, compresses them and deletes those past retention',
  parameters: logRotationParameters,
  details: logRotationDetails,
  check: ({ policies }, { logs }) => unknownNames(logs, policies),
  async run(context, { policies: names, maxSizeMb, maxAgeDays, compressOldLogs, dryRun }) {
    const now = context.clock.now();
    const plan = {
      maxBytes: maxSizeMb * megabyte,
      cutoff: now - maxAgeDays * dayMs,
      compress: compressOldLogs,
      dryRun,
      now,
    };
    const policies: Report[] = [];
    for (const policy of named(context.policies.logs, names)) {
      const counts = await context.exclusively(`directory:${policy.directory}`, (signal) =>
        openPolicyRoot(policy, (root) => rotateLogs(root, policy, { ...plan, signal })),
      );
      const outcome = counts === null ? 'busy' : counts.outcome;
      policies.push({ policy: policy.name, outcome, ...nothing, ...counts?.result });
    }
    const sum = (of: (counts: RotationCounts) => number): number => policies.reduce((total, it) => total + of(it), 0);
    const changed = sum(({ rotated, compressed, deleted }) => Math.max(rotated, compressed) + deleted);
    return {
      itemsProcessed: Math.max(
        sum(({ seen }) => seen),
        changed,
      ),
      itemsCleaned: dryRun ? 0 : changed,
      bytesFreed: dryRun
        ? 0
        : Math.max(
            0,
            sum(({ bytesFreed }) => bytesFreed),
          ),
      skipped: policies.length > 0 && policies.every(({ outcome }) => outcome === 'busy'),
      details: { dryRun, policies },
    };
  },
});
