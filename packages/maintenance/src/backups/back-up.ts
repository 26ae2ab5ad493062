import { describeError, isOperationError } from '@dotmac/core';
import { openPolicyRoot } from '../tasks/open-policy-root.js';
import type { TaskContext } from '../tasks/task.js';
import { backupDirectory } from './directory.js';
import { decide } from './keep.js';
import type { Backup } from './manifest.js';
import type { CheckedBackup } from './policy.js';
import { BackupError } from './program.js';
import { BrokenDump } from './source.js';
import { takeBackup, type BackupWork } from './take-backup.js';
import { verifyBackup } from './verify-backup.js';

/** How one policy fared. */
export interface PolicyOutcome {
  policy: string;
  outcome: 'done' | 'busy' | 'failed';
  /** Why it failed: a code. */
  fault: string | null;
  /** The backup that was taken. */
  backup: Backup | null;
  /** How many were tried out, and how many of those were found broken. */
  verified: number;
  broken: number;
  removed: { id: string; bytes: number; reason: string }[];
}

type Progressing = (outcome: PolicyOutcome, work: BackupWork) => Promise<void>;

/** What only one process at a time may do to a policy's backups. */
const resourceOf = ({ directory, name }: Pick<CheckedBackup, 'directory' | 'name'>): string =>
  `backups:${directory}:${name}`;

/** Does `work` for one policy; what fails becomes its outcome, so that the next policy has its turn. */
async function forPolicy(context: TaskContext, policy: CheckedBackup, work: Progressing): Promise<PolicyOutcome> {
  const outcome: PolicyOutcome = {
    ...{ policy: policy.name, outcome: 'done', fault: null },
    ...{ backup: null, verified: 0, broken: 0, removed: [] },
  };
  try {
    const held = await context.exclusively(resourceOf(policy), ({ signal }) =>
      openPolicyRoot(policy, async (root) => {
        const directory = backupDirectory(root, policy);
        const swept = (await directory.sweep()) + (await policy.source.sweep({ clock: context.clock }));
        if (swept > 0) context.note(`${policy.name}: removed ${swept} leftovers of a run that did not end`);
        await work(outcome, { policy, directory, clock: context.clock, signal });
      }),
    );
    if (held?.outcome === 'missing') return { ...outcome, outcome: 'failed', fault: 'directory_missing' };
    return held === null ? { ...outcome, outcome: 'busy' } : outcome;
  } catch (error) {
    if (context.signal.aborted || isOperationError(error, 'CONFIRMATION_NEEDED')) throw error;
    const fault = faultOf(error);
    context.logger.error({ policy: policy.name, fault, ...describeError(error) }, 'a backup failed');
    context.note(`${policy.name}: failed (${fault})`);
    return { ...outcome, outcome: 'failed', fault };
  }
}

function faultOf(error: unknown): string {
  if (error instanceof BackupError || isOperationError(error)) return error.code.toLowerCase();
  return error instanceof BrokenDump ? 'broken' : 'failed';
}

/** Takes a backup, tries it out, and only then removes those that no rule keeps. */
export async function backUp(context: TaskContext, policy: CheckedBackup, prune: boolean): Promise<PolicyOutcome> {
  const progress = await context.target({ target: `backup:${policy.name}`, planned: 1, total: null });
  return forPolicy(context, policy, async (outcome, work) => {
    if (!progress.isDone) {
      const taken = await takeBackup(work);
      context.note(`${policy.name}: dumped ${taken.tables.length} tables into ${taken.file}, ${taken.bytes} bytes`);
      outcome.backup = await tryOut(work, taken, outcome);
      progress.done();
      if (!(await progress.advance({ seen: 1, cleaned: 0 }))) return;
    }
    if (prune) await removeOld(context, work, outcome);
  });
}

async function tryOut(work: BackupWork, backup: Backup, outcome: PolicyOutcome): Promise<Backup> {
  outcome.backup = backup;
  const tried = await verifyBackup(work, backup);
  outcome.backup = tried;
  outcome.verified += 1;
  if (tried.state === 'verified' && tried.fault === null) return tried;
  if (tried.state !== 'broken') throw new BackupError('not_verified');
  outcome.broken += 1;
  throw new BrokenDump(tried.fault ?? 'broken');
}

async function removeOld(context: TaskContext, work: BackupWork, outcome: PolicyOutcome): Promise<void> {
  const { policy, directory, clock, signal } = work;
  const all = await directory.list();
  // By the hour, not by the plan's: a backup that was taken since must not count as one of the future.
  const decided = decide(all, policy.keep, { now: clock.now(), timeZone: policy.timeZone });
  const going = decided.filter(({ kept }) => !kept);
  const target = `prune:${policy.name}`;
  const progress = await context.target({ target, planned: going.length, total: all.length });
  for (const { backup, reasons } of going.slice(0, progress.remaining)) {
    signal.throwIfAborted();
    await directory.remove(backup);
    const reason = reasons.join(', ');
    outcome.removed.push({ id: backup.id, bytes: backup.bytes, reason });
    context.note(`${policy.name}: removed ${backup.file} (${reason})`);
    if (!(await progress.advance({ cleaned: 1, bytes: backup.bytes }))) return;
  }
  progress.done();
}

/** Tries out the backups that there are, those first whose last time was longest ago. */
export async function verifyAll(context: TaskContext, policy: CheckedBackup): Promise<PolicyOutcome> {
  return forPolicy(context, policy, async (outcome, work) => {
    const all = (await work.directory.list()).sort((a, b) => (a.verifiedAt ?? 0) - (b.verifiedAt ?? 0));
    const progress = await context.target({ target: `verify:${policy.name}`, planned: all.length, total: all.length });
    let left = progress.remaining;
    let fault: string | null = null;
    for (const backup of all) {
      if (left-- <= 0) break;
      const tried = await verifyBackup(work, backup);
      outcome.verified += 1;
      if (tried.state === 'broken') outcome.broken += 1;
      fault ??= tried.fault;
      if (tried.fault !== null) context.note(`${policy.name}: ${backup.file} is not verified (${tried.fault})`);
      if (!(await progress.advance({ seen: 1, cleaned: 0 }))) break;
    }
    if (outcome.broken > 0) throw new BrokenDump('Some backups are broken.');
    if (fault !== null) throw new BackupError('not_verified');
  });
}
