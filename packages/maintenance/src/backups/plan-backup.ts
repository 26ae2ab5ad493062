import { probeDisk } from '../files/probe-disk.js';
import { defaultRates, msFor } from '../tasks/default-rates.js';
import { openPolicyRoot } from '../tasks/open-policy-root.js';
import { planned, type PlannedTarget } from '../tasks/plan.js';
import type { PlanContext } from '../tasks/task.js';
import { backupDirectory } from './directory.js';
import { decide } from './keep.js';
import type { CheckedBackup } from './policy.js';

/** What a run would dump, and which backups would go and why; with what speaks against it. */
export async function planBackup(
  { asOf, clock }: PlanContext,
  policy: CheckedBackup,
  prune: boolean,
): Promise<{ targets: PlannedTarget[]; warnings: string[] }> {
  const { name, source, places, keep, timeZone, compression } = policy;
  const listed = await openPolicyRoot(policy, (root) => backupDirectory(root, policy).list());
  if (!listed.result) return { targets: [], warnings: [`The directory of the policy ${name} is not there.`] };
  const all = listed.result;
  const bytes = await source.estimate({ clock });
  const { freeBytes } = await probeDisk(policy.directory).catch(() => ({ freeBytes: Infinity }));
  const warnings = freeBytes < bytes ? [`The disk of the policy ${name} has less room than its database takes.`] : [];
  const dump = planned(
    {
      ...{ target: `backup:${name}`, action: 'dump', items: 1, exact: false, bytes, bytesFrom: 'estimated' },
      estimatedMs: msFor(bytes, defaultRates.dumped),
      strategy: `a ${source.kind} dump, compressed by ${compression}, tried out by restoring it`,
    },
    [policy.directory, source.kind, places, compression],
  );
  if (!prune) return { targets: [dump], warnings };
  // As it would be with the new one.
  const fresh = { id: '~', takenAt: asOf, state: 'verified', bytes: 0 } as const;
  const decided = decide([...all, fresh], keep, { now: asOf, timeZone });
  const going = decided.filter(({ kept }) => !kept);
  const removal = planned(
    {
      ...{ target: `prune:${name}`, action: 'delete', items: going.length, total: all.length },
      bytes: going.reduce((sum, { backup }) => sum + backup.bytes, 0),
      strategy: `once the new one is verified, those that no rule keeps of ${Object.keys(keep).join(', ')}`,
      estimatedMs: msFor(going.length, defaultRates.backups),
      sample: going.slice(0, 10).map(({ backup, reasons }) => `${backup.id}: ${reasons.join(', ')}`),
    },
    [policy.directory, keep, timeZone],
  );
  return { targets: [dump, removal], warnings };
}

/** Which backups would be tried out: all that there are, whatever has become of them. */
export async function planVerification(policy: CheckedBackup): Promise<PlannedTarget> {
  const listed = await openPolicyRoot(policy, (root) => backupDirectory(root, policy).list());
  const all = listed.result ?? [];
  const bytes = all.reduce((sum, { contentBytes }) => sum + contentBytes, 0);
  return planned(
    {
      ...{ target: `verify:${policy.name}`, action: 'verify', items: all.length, total: all.length, bytes },
      estimatedMs: msFor(bytes, defaultRates.restored),
      strategy: 'restored elsewhere and compared, one by one',
      sample: all.slice(0, 10).map(({ id, state }) => `${id}: ${state}`),
    },
    [policy.directory, policy.places],
  );
}
