import { packedSuffixes } from '../files/codec.js';
import { partialSuffix } from '../files/compress.js';
import { factsOf } from '../files/facts.js';
import type { OpenRoot } from '../files/root.js';
import type { Relief } from '../files/steps.js';
import { errorCode } from '../files/system.js';
import type { CheckedLog } from '../policies/check-log.js';
import { copyThenTruncate } from './copy-truncate.js';
import { readRotated, type LogDirectory } from './log-directory.js';
import type { LogFile } from './rules.js';

/** What a policy's directory holds, as far as it bears on names. */
type Found = Pick<LogDirectory, 'rotated' | 'odd'>;

/**
 * Gives a log its rotated name: renames it, or copies it and empties it. Never onto a file that is there. A process that
 * has it open goes on writing into what was renamed.
 * @returns the new name
 */
export function moveLog(
  root: OpenRoot,
  policy: CheckedLog,
  log: string,
  found: Found,
  at: number,
  waiting: { signal: AbortSignal; relief: Relief },
): Promise<string> {
  return nameRotated(root, policy, log, found, at, (name) =>
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
  found: Found,
  at: number,
  give: (name: string) => Promise<void>,
): Promise<string> {
  const { names, shift } = policy.naming;
  const rotated = found.rotated.filter((it) => it.log === log);
  const held = found.odd.flatMap(({ name }) => readRotated(policy, name) ?? []).filter((it) => it.log === log);
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
