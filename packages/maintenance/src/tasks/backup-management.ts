import { backUp, verifyAll, type PolicyOutcome } from '../backups/back-up.js';
import { planBackup, planVerification } from '../backups/plan-backup.js';
import { maintenanceErrors } from '../errors.js';
import { named, unknownNames } from '../policies/policy-set.js';
import { backupManagementDetails, backupManagementParameters } from './backup-management.schema.js';
import { whenBearable } from './bearable.js';
import type { PlannedTarget } from './plan.js';
import { defineMaintenanceTask } from './task.js';

/** Dumps registered databases, tries each dump out by restoring it, and removes those that no rule keeps. */
export const backupManagement = defineMaintenanceTask({
  type: 'backup_management',
  name: 'Backup management',
  description:
    'Dumps registered databases, tries the dumps out by restoring them, and removes those that no rule keeps',
  parameters: backupManagementParameters,
  details: backupManagementDetails,
  check: ({ policies }, { backups }) => unknownNames(backups, policies),
  async plan(context, { policies, action, prune }) {
    const targets: PlannedTarget[] = [];
    const warnings: string[] = [];
    for (const policy of named(context.policies.backups, policies)) {
      if (action === 'verify') {
        targets.push(await planVerification(policy));
        continue;
      }
      const plan = await planBackup(context, policy, prune);
      targets.push(...plan.targets);
      warnings.push(...plan.warnings);
    }
    return { targets, warnings };
  },
  async run(context, { policies, action, prune }) {
    const outcomes: PolicyOutcome[] = [];
    const chosen = named(context.policies.backups, policies);
    // Beside a dump, what is removed takes no time.
    for (const { name } of chosen) context.expect(`${action}:${name}`, action === 'backup' ? 1 : null);
    for await (const [policy, there] of whenBearable(context, chosen, ({ database }) => database)) {
      outcomes.push(await (action === 'verify' ? verifyAll(there, policy) : backUp(there, policy, prune)));
      context.expect(`${action}:${policy.name}`, 0);
    }
    const failed = outcomes.filter(({ outcome }) => outcome === 'failed');
    const policiesFailed = failed.map(({ policy, fault }) => `${policy} (${fault})`).join(', ');
    const removed = outcomes.flatMap((it) => it.removed);
    return {
      space: { returnedBytes: removed.reduce((sum, { bytes }) => sum + bytes, 0) },
      skipped: outcomes.length > 0 && outcomes.every(({ outcome }) => outcome === 'busy'),
      details: { policies: outcomes.map(reportOf) },
      fault: failed.length > 0 ? maintenanceErrors.BACKUP_FAILED({ policies: policiesFailed, action }) : undefined,
    };
  },
});

function reportOf({ policy, outcome, fault, backup, verified, broken, removed }: PolicyOutcome) {
  return {
    policy,
    outcome,
    fault,
    backup: backup && { ...backup, tables: backup.tables.length },
    verified,
    broken,
    removed,
  };
}
