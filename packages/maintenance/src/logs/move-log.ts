import { packedSuffixes } from '../files/codec.js';
import { partialSuffix } from '../files/compress.js';
import { factsOf } from '../files/facts.js';
import type { OpenRoot } from '../files/root.js';
import type { Relief } from '../files/steps.js';
import { errorCode } from '../files/system.js';
import type { CheckedLog } from '../policies/check-log.js';
import { copyThenTruncate } from './copy-truncate.js';
import { readRotated, type LogDirectory } from './log-directory.js';
import type { RotatedName } from './naming.js';
import { byLog, type LogFile, type RotatedFile } from './rules.js';

/** The names that a log's rotated files have, and those among them that are left alone. */
export interface TakenNames {
  rotated: readonly RotatedFile[];
  held: readonly RotatedName[];
}

/** The taken names of every log of a directory. */
export function takenNames(policy: CheckedLog, { rotated, odd }: LogDirectory): (log: string) => TakenNames {
  const [ofLog, heldOfLog] = [byLog(rotated), byLog(odd.flatMap(({ name }) => readRotated(policy, name) ?? []))];
  return (log) => ({ rotated: ofLog.get(log) ?? [], held: heldOfLog.get(log) ?? [] });
}

/**
 * Gives a log its rotated name: renames it, or copies it and empties it. Never onto a file that is there. A process that
 * has it open goes on writing into what was renamed.
 * @returns the new name
 */
export function moveLog(
  root: OpenRoot,
  policy: CheckedLog,
  log: string,
  taken: TakenNames,
  at: number,
  waiting: { signal: AbortSignal; relief: Relief },
): Promise<string> {
  return nameRotated(root, policy, log, taken, at, (name) =>
    policy.method === 'copytruncate' ? copyThenTruncate(root, log, name, waiting) : root.move(log, name),
  );
}

/**
 * Makes room among the names of a log's rotated files, and has one of them given to what is its youngest.
 * @param give fails with EEXIST when the name is taken
 * @returns the name
 */
export async function nameRotated(
  root: OpenRoot,
  policy: CheckedLog,
  log: string,
  { rotated, held }: TakenNames,
  at: number,
  give: (name: string) => Promise<void>,
): Promise<string> {
  const { names, shift } = policy.naming;
  for (const { from, to } of shift(log, rotated, held)) await root.move(from, to);
  for (const name of names(log, at, rotated, held)) {
    if (await isTaken(root, name)) continue;
    try {
      await give(name);
    } catch (error) {
      if (errorCode(error) === 'EEXIST') continue;
      throw error;
    }
    return name;
  }
  throw new Error('no free name for the rotated file');
}

/** Whether a file has the name, compressed or not. */
export async function isTaken(root: OpenRoot, name: string): Promise<boolean> {
  for (const suffix of ['', ...packedSuffixes]) if (await root.facts(`${name}${suffix}`)) return true;
  return false;
}

/**
 * Makes the new log, unless its writer was faster. It has its owner and mode before it has its name: what cannot be made so
 * is left to its writer, who could not write to a file of somebody else.
 * @param rotated the name that the old one has now: what a dead process leaves beside that is found
 */
export async function createLog(
  root: OpenRoot,
  { create }: CheckedLog,
  { name, facts }: LogFile,
  rotated: string,
): Promise<void> {
  if (create === false) return;
  const { mode = facts.mode & 0o7777, uid = facts.uid, gid = facts.gid } = create === true ? {} : create;
  const partial = `${rotated}${partialSuffix}`;
  const file = await root.create(partial, 0o600);
  try {
    await file.chown(uid, gid);
    await file.chmod(mode);
    await root.move(partial, name);
  } catch (error) {
    // Whoever took over from this process may have made its own.
    await root.remove(partial, factsOf(await file.stat({ bigint: true }))).catch(() => undefined);
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    await file.close();
  }
}
