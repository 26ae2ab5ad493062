import { describeError, isOperationError } from '@dotmac/core';
import { isToEnd } from '../databases/rows/delete-rows.js';
import { openPolicyRoot } from '../tasks/open-policy-root.js';
import { setback } from '../tasks/setback.js';
import type { TargetProgress, TaskContext } from '../tasks/task.js';
import { backupDirectory } from './directory.js';
import { decide } from './keep.js';
import type { Backup } from './manifest.js';
import type { CheckedBackup } from './policy.js';
import { BackupError } from './program.js';
import { BrokenDump } from './source.js';
import { takeBackup } from './take-backup.js';
import type { BackupWork } from './work.js';
import { verifyBackup } from './verify-backup.js';

/** How one policy fared. */
export interface PolicyOutcome {
  policy: string;
  outcome: 'done' | 'partial' | 'busy' | 'failed' | 'unconfirmed';
  /** Why it failed: a code. */
  fault: string | null;
  /** The backup that was taken, by this run or by the one that it goes on from. */
  backup: Backup | null;
  /** How many were tried out, and how many of those were found broken. */
  verified: number;
  broken: number;
  removed: { id: string; bytes: number; reason: string }[];
}

type Progressing = (outcome: PolicyOutcome, work: BackupWork) => Promise<void>;

/** What whoever works on a policy's backups holds: what others left outside of the directory is swept as a dead process's. */
export const backupsResource = ({ directory, name }: Pick<CheckedBackup, 'directory' | 'name'>): string =>
  `backups:${directory}:${name}`;

/** Does `work` for one policy; what fails becomes its outcome, so that the next policy has its turn. */
async function forPolicy(context: TaskContext, policy: CheckedBackup, work: Progressing): Promise<PolicyOutcome> {
  const outcome: PolicyOutcome = {
    ...{ policy: policy.name, outcome: 'done', fault: null },
    ...{ backup: null, verified: 0, broken: 0, removed: [] },
  };
  try {
    const held = await context.exclusively(backupsResource(policy), ({ signal }) =>
      openPolicyRoot(policy, async (root) => {
        const directory = backupDirectory(root, policy);
        const swept = (await directory.sweep()) + (await sweepSource(context, policy, signal));
        if (swept > 0) context.note(`${policy.name}: removed ${swept} leftovers of a run that did not end`);
        await work(outcome, { policy, directory, clock: context.clock, signal, relief: context.relief });
      }),
    );
    if (held?.outcome === 'missing') return { ...outcome, outcome: 'failed', fault: 'directory_missing' };
    return held === null ? { ...outcome, outcome: 'busy' } : outcome;
  } catch (error) {
    // What was done until then is still to be told.
    if (isToEnd(context.signal)) return { ...outcome, outcome: 'partial' };
    if (context.signal.aborted) throw error;
    if (isOperationError(error, 'CONFIRMATION_NEEDED'))
      return { ...outcome, outcome: setback(context, policy.name, error).outcome };
    const fault = faultOf(error);
    context.logger.error({ policy: policy.name, fault, ...describeError(error) }, 'a backup failed');
    context.note(`${policy.name}: failed (${fault})`);
    return { ...outcome, outcome: 'failed', fault };
  }
}

/** A dump can be taken where the server that it is tried out on is out of reach: what was left there waits. */
async function sweepSource(
  { clock, logger, note }: TaskContext,
  { name, source }: CheckedBackup,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await source.sweep({ clock });
  } catch (error) {
    signal.throwIfAborted();
    const fault = faultOf(error);
    logger.warn({ policy: name, fault, ...describeError(error) }, 'what a backup left behind could not be looked for');
    note(`${name}: leftovers of a run that did not end could not be looked for (${fault})`);
    return 0;
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
      const taken = await takeOnce(context, work, progress);
      outcome.backup = taken;
      if (!(await progress.keep({ taken: taken.id } satisfies Taken))) return void (outcome.outcome = 'partial');
      if (taken.state !== 'verified') outcome.backup = await tryOut(work, taken, outcome);
      progress.done();
      if (!(await progress.advance({ seen: 1, cleaned: 0, settled: 1 }))) return;
    }
    if (prune) await removeOld(context, work, outcome);
  });
}

/** Where a run is that has its backup, and has not tried it out so far. */
interface Taken {
  taken: string;
}

/** Takes a backup, unless the run that this one goes on from did: a dump may have taken hours. */
async function takeOnce(context: TaskContext, work: BackupWork, { cursor }: TargetProgress): Promise<Backup> {
  const { taken } = (cursor ?? {}) as Partial<Taken>;
  const before = taken === undefined ? [] : await work.directory.list();
  // What could not be tried out, or was broken, may have been dumped badly.
  const own = before.find(({ id, fault }) => id === taken && fault === null);
  const backup = own ?? (await takeBackup(work));
  const { policy, file, tables, bytes } = backup;
  const did = own ? 'goes on with' : `dumped ${tables.length} tables into`;
  context.note(`${policy}: ${did} ${file}, ${bytes} bytes`);
  return backup;
}

async function tryOut(work: BackupWork, backup: Backup, outcome: PolicyOutcome): Promise<Backup> {
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
  const progress = await context.target({
    ...{ target, planned: going.length, total: all.length },
    maxShare: policy.maxShare,
  });
  if (progress.isDone) return;
  for (const { backup, reasons } of going.slice(0, progress.remaining)) {
    signal.throwIfAborted();
    const bytes = await directory.remove(backup);
    if (bytes === null) {
      context.note(`${policy.name}: ${backup.file} stays: it is not what it was when that was decided`);
      if (!(await progress.advance({ cleaned: 0, settled: 1 }))) return;
      continue;
    }
    const reason = reasons.join(', ');
    outcome.removed.push({ id: backup.id, bytes, reason });
    context.note(`${policy.name}: removed ${backup.file} (${reason})`);
    if (!(await progress.advance({ cleaned: 1, bytes }))) return;
  }
  progress.done();
}

/** Nothing goes, and trying one out takes long: that is what the budget is for. */
const worked = { seen: 1, cleaned: 0, settled: 1, spent: 1 };

/** Tries out the backups that there are, those first whose last time was longest ago. */
export async function verifyAll(context: TaskContext, policy: CheckedBackup): Promise<PolicyOutcome> {
  return forPolicy(context, policy, async (outcome, work) => {
    const all = (await work.directory.list()).sort((a, b) => (a.verifiedAt ?? 0) - (b.verifiedAt ?? 0));
    // Nothing goes: that needs nobody's leave.
    const whole = { planned: all.length, total: all.length, maxShare: 1 };
    const progress = await context.target({ target: `verify:${policy.name}`, ...whole });
    if (progress.isDone) return;
    // Where they are by their last time says nothing of that: one that could not be tried keeps the time that it had.
    const tried = new Set(progress.cursor as string[] | undefined);
    const untried = all.filter(({ id }) => !tried.has(id));
    let fault: string | null = null;
    for (const backup of untried) {
      if (progress.remaining < 1) break;
      const found = await verifyBackup(work, backup);
      tried.add(backup.id);
      outcome.verified += 1;
      if (found.state === 'broken') outcome.broken += 1;
      fault ??= found.fault;
      if (found.fault !== null) context.note(`${policy.name}: ${backup.file} is not verified (${found.fault})`);
      if (!(await progress.advance({ ...worked, cursor: [...tried] }))) break;
    }
    if (all.every(({ id }) => tried.has(id))) progress.done();
    if (outcome.broken > 0) throw new BrokenDump('Some backups are broken.');
    if (fault !== null) throw new BackupError('not_verified');
  });
}
