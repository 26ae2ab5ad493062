import { constants } from 'node:fs';
import { lstat, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory that only this user can enter, for what programs must read and nobody else may. */
export interface PrivateFiles {
  /** Writes a file of mode 0600; where it is. */
  write(name: string, content: string): Promise<string>;
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const prefixOf = (owner: string): string => `dotmac-backup-${owner}-`;

/**
 * Gives `work` a private directory, and removes it afterwards.
 * @param owner letters and digits: whose directory it is, so that {@link removeLeftFiles} finds what a dead process left
 */
export async function withPrivateFiles<Result>(
  owner: string,
  work: (files: PrivateFiles) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), prefixOf(owner)));
  try {
    return await work({
      async write(name, content) {
        const path = join(directory, name);
        const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        await file.writeFile(content).finally(() => file.close());
        return path;
      },
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Removes the private directories that dead processes left. Nobody else may be at work as that owner. @returns how many */
export async function removeLeftFiles(owner: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefixOf(owner))) continue;
    const path = join(tmpdir(), name);
    const stat = await lstat(path).catch(() => null);
    // The directory of temporary files is everybody's: only what is ours, and is no link.
    if (!stat?.isDirectory() || stat.uid !== (process.getuid?.() ?? stat.uid)) continue;
    await rm(path, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}
