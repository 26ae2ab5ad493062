import type { OpenRoot } from '../../files/root.js';
import { doubled, fateOf } from './archive-batch.js';
import { archiveFile, type ArchiveFile } from './archive-file.js';
import { recoverArchives } from './archive-recovery.js';
import type { Prepared } from './prepared.js';

/** `@` is in no policy's name, so that no policy's archives are taken for another's. */
const prefixOf = ({ name }: Prepared): string => `${name}@`;

/**
 * Finishes what killed processes left of a policy's archives.
 * @param note told of each, for people
 */
export async function finishArchives(root: OpenRoot, of: Prepared, note: (message: string) => void): Promise<void> {
  const { dialect, policy } = of;
  const found = await recoverArchives(root, prefixOf(of), (pending) => fateOf(of, policy.on, dialect.pace, pending));
  for (const { name, lines, fate } of found) {
    if (lines > 0) note(`${of.name}: an archive of an interrupted run was finished: ${name}`);
    if (fate === 'unclear') note(`${of.name}: ${doubled(name)}`);
  }
}

/**
 * Does `work` with a file that a policy's rows go to.
 * @param id tells it from all others
 * @param isLost asked when the work fails: does another work here now?
 */
export async function withArchive<Result>(
  root: OpenRoot,
  of: Prepared,
  { id, isLost }: { id: string; isLost: () => boolean },
  work: (file: ArchiveFile) => Promise<Result>,
): Promise<Result & { archivedTo: string | null }> {
  const file = archiveFile(root, `${prefixOf(of)}${id}.ndjson.gz`);
  try {
    const result = await work(file);
    await file.finish();
    return { ...result, archivedTo: file.lines > 0 ? file.name : null };
  } catch (error) {
    // Whoever took the table over finishes it, or the next run: that can ask the table what became of the last rows.
    await (isLost() || file.pending ? file.close() : file.finish());
    throw error;
  }
}
