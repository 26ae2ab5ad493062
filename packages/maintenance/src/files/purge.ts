import { rmdir, unlink } from 'node:fs/promises';
import type { OpenRoot } from './root.js';

/** What was looked at and removed. */
export interface Purged {
  seen: number;
  removed: number;
  bytes: number;
}

/** Options of {@link purgeStale}. */
export interface PurgeOptions {
  /** Files untouched since before it go. Epoch ms. */
  cutoff: number;
  dryRun: boolean;
  signal: AbortSignal;
}

const deepest = 32;

/**
 * Removes regular files whose later of access and modification is before the cutoff, and the directories that this
 * empties. The change of status does not count: a restored or copied cache would be new in all its files. Links, other devices and files of several links are left; the root itself stays.
 */
export async function purgeStale(root: OpenRoot, options: PurgeOptions, depth = 0): Promise<Purged> {
  const total: Purged = { seen: 0, removed: 0, bytes: 0 };
  for (const name of await root.names()) {
    options.signal.throwIfAborted();
    const facts = await root.fileFacts(name);
    if (facts) {
      total.seen += 1;
      if (Math.max(facts.atimeMs, facts.mtimeMs) >= options.cutoff) continue;
      if (!options.dryRun) await unlink(root.at(name));
      total.removed += 1;
      total.bytes += facts.size;
      continue;
    }
    const inner = depth < deepest ? await root.openDirectory(name) : null;
    if (!inner) continue;
    try {
      const below = await purgeStale(inner, options, depth + 1);
      total.seen += below.seen;
      total.removed += below.removed;
      total.bytes += below.bytes;
      // Fails on a directory that still has something in it, and that is right.
      if (below.removed > 0 && !options.dryRun) await rmdir(root.at(name)).catch(() => undefined);
    } finally {
      await inner.close();
    }
  }
  return total;
}
