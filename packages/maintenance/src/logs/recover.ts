import { partialSuffix, recoverCompression } from '../files/compress.js';
import { sameFile } from '../files/facts.js';
import type { OpenRoot } from '../files/root.js';
import { unless } from '../files/system.js';
import type { CheckedLog } from '../policies/check-log.js';
import { copySuffix, recoverCopy } from './copy-truncate.js';
import { listLogs, readRotated } from './log-directory.js';
import type { LogFile } from './rules.js';

/** Finishes what a dead process left, so that every log and rotated file has one name, and is there once. */
export async function recoverLogs(root: OpenRoot, policy: CheckedLog, signal: AbortSignal): Promise<void> {
  const { partial, copies, odd } = await listLogs(root, policy);
  for (const name of partial) await root.unlink(`${name}${partialSuffix}`).catch(unless('ENOENT'));
  for (const name of copies) {
    const [copy, whole] = [await root.facts(`${name}${copySuffix}`), await root.facts(name)];
    if (!copy) continue;
    if (whole && sameFile(copy, whole)) await root.remove(`${name}${copySuffix}`, copy);
    else await recoverCopy(root, readRotated(policy, name)?.log ?? '', name, copy);
  }
  await recoverMoves(root, policy, odd);
  const { rotated } = await listLogs(root, policy);
  for (const { name } of rotated.filter(({ suffix }) => suffix !== '')) {
    const original = name.slice(0, name.lastIndexOf('.'));
    if (rotated.some((it) => it.name === original)) await recoverCompression(root, original, signal);
  }
}

/** A file that was being renamed has both names: it loses the one that it had before. */
async function recoverMoves(root: OpenRoot, policy: CheckedLog, odd: readonly LogFile[]): Promise<void> {
  const doubled = odd.filter(({ facts }) => facts.kind === 'file' && facts.links === 2);
  for (const from of doubled)
    for (const to of doubled) {
      const [old, now] = [readRotated(policy, from.name), readRotated(policy, to.name)];
      const follows = now !== null && (old ? old.log === now.log && old.rank + 1 === now.rank : from.name === now.log);
      if (!follows || !sameFile(from.facts, to.facts)) continue;
      await root.remove(from.name, from.facts);
      await root.sync();
    }
}
