import { lstat, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the directories that are made here for the time of one call are called. */
export const scratchPrefixes = { npmCache: 'dotmac-npm-', program: 'dotmac-program-' } as const;

/** With the letters that `mkdtemp` adds: whatever else begins like that is not ours. */
const scratch = new RegExp(`^(?:${Object.values(scratchPrefixes).join('|')})[A-Za-z0-9]{6}$`);

/** Longer than any of them is in use. */
const leftAfterMs = 86_400_000;

/** Removes such directories that a process of this user left when it was killed. What cannot be removed stays. */
export async function removeLeftScratch(now: number): Promise<void> {
  const root = tmpdir();
  const names = await readdir(root).catch(() => []);
  for (const name of names.filter((it) => scratch.test(it)))
    try {
      const path = join(root, name);
      const found = await lstat(path);
      const isOwn = found.isDirectory() && found.uid === process.getuid?.();
      if (isOwn && now - found.mtimeMs > leftAfterMs) await rm(path, { recursive: true, force: true });
    } catch {
      // Another was at it, or it cannot be removed: then it stays.
    }
}
