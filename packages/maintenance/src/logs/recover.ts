import { recoverCompression } from '../files/compress.js';
import { isUnchanged, sameFile } from '../files/facts.js';
import { fileKey } from '../files/proc.js';
import type { OpenRoot } from '../files/root.js';
import type { CheckedLog } from '../policies/check-log.js';
import { copySuffix, isStillIn } from './copy-truncate.js';
import { listLogs, readRotated, type LogDirectory } from './log-directory.js';
import { isTaken, nameRotated, takenNames } from './move-log.js';
import type { LogFile } from './rules.js';

/** Does one thing; false when it went wrong, which is no reason to leave the others. */
type Attempt = (act: () => Promise<void>) => Promise<boolean>;

/**
 * Finishes what a dead process left, so that every log and rotated file has one name, and is there once.
 * @returns the logs of which a copy is left that could not be dealt with: once they are emptied, nobody could tell whether it is
 * all that there is of what it holds
 */
export async function recoverLogs(
  root: OpenRoot,
  policy: CheckedLog,
  signal: AbortSignal,
  attempt: Attempt,
): Promise<ReadonlySet<string>> {
  const found = await listLogs(root, policy);
  const unclear = new Set<string>();
  // Not what others have written there since it was listed: who was held up meanwhile is dead for them.
  for (const { name, facts } of found.partial)
    await attempt(async () => void (await root.remove(name, facts, isUnchanged)));
  for (const name of found.copies) {
    const log = readRotated(policy, name)?.log ?? '';
    if (!(await attempt(() => recoverCopy(root, policy, log, name)))) unclear.add(log);
  }
  await recoverMoves(root, policy, found, attempt);
  const { rotated } = await listLogs(root, policy);
  const names = new Set(rotated.map(({ name }) => name));
  for (const { name } of rotated.filter(({ suffix }) => suffix !== '')) {
    const original = name.slice(0, name.lastIndexOf('.'));
    if (names.has(original)) await attempt(() => recoverCompression(root, original, signal));
  }
  return unclear;
}

/**
 * Finishes what a dead process left of copying: a copy that the log still begins with goes, for the log was not emptied; any other
 * is all that is left of what it holds, and gets its name, or the next when another file has that.
 */
async function recoverCopy(root: OpenRoot, policy: CheckedLog, log: string, name: string): Promise<void> {
  const copying = `${name}${copySuffix}`;
  const [copy, whole] = [await root.facts(copying), await root.facts(name)];
  if (!copy) return;
  if ((whole && sameFile(copy, whole)) || (await isStillIn(root, log, copying))) await root.remove(copying, copy);
  else if (!(await isTaken(root, name))) await root.move(copying, name);
  else {
    const taken = takenNames(policy, await listLogs(root, policy))(log);
    await nameRotated(root, policy, log, taken, copy.mtimeMs, (free) => root.move(copying, free));
  }
  await root.sync();
}

/** A file that was being renamed has both names: it loses the one that it had before. */
async function recoverMoves(
  root: OpenRoot,
  policy: CheckedLog,
  { odd }: LogDirectory,
  attempt: Attempt,
): Promise<void> {
  const byFile = new Map<string, LogFile[]>();
  for (const file of odd) {
    const { kind, links, device, inode } = file.facts;
    if (kind !== 'file' || links !== 2) continue;
    const key = fileKey(device, inode);
    byFile.set(key, [...(byFile.get(key) ?? []), file]);
  }
  for (const [one, other] of byFile.values()) {
    if (!one || !other) continue;
    const from = [one, other].find((it) => isFollowedBy(policy, odd, it.name, (it === one ? other : one).name));
    if (!from) continue;
    await attempt(async () => {
      await root.remove(from.name, from.facts);
      await root.sync();
    });
  }
}

/** Whether a rotation gives a file that has the one name the other, with `odd` out of the way. */
function isFollowedBy(policy: CheckedLog, odd: readonly LogFile[], name: string, next: string): boolean {
  const [old, now] = [readRotated(policy, name), readRotated(policy, next)];
  if (now === null || old === null) return now?.log === name;
  if (old.log !== now.log || old.rank >= now.rank || !Number.isInteger(now.rank - old.rank)) return false;
  const ranks = odd.map((it) => readRotated(policy, it.name)).filter((it) => it?.log === old.log);
  for (let rank = old.rank + 1; rank < now.rank; rank++) if (!ranks.some((it) => it?.rank === rank)) return false;
  return true;
}
