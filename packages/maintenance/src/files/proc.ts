import { readlinkSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '@dotmac/core';
import type { Facts } from './facts.js';
import { processMounts, SilentDiskError, type MountQueue } from './mount-queue.js';

/** What `/proc` of Linux tells of files; elsewhere nothing is known. */
export const onLinux = process.platform === 'linux';

/** Where an open file or directory is reached, no matter what became of its path. */
export const descriptorPath = (fd: number): string => `/proc/self/fd/${fd}`;

/**
 * The mount that a descriptor is on: a bind mount of the same device is another. Undefined where it cannot be known.
 */
export async function mountOf(fd: number): Promise<string | undefined> {
  if (!onLinux) return undefined;
  return /^mnt_id:\s*(\d+)$/m.exec(await readFile(`/proc/self/fdinfo/${fd}`, 'utf8').catch(() => ''))?.[1];
}

/** One file of the machine. */
export const fileKey = (device: bigint, inode: bigint): string => `${device}:${inode}`;

/** A device as `/proc/locks` spells it, from what `stat` says. */
function deviceSpelled(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major.toString(16).padStart(2, '0')}:${minor.toString(16).padStart(2, '0')}`;
}

/**
 * Tells whether somebody holds a lock of flock(2) on a file or directory, as far as this process may see, and as of at
 * most a second ago.
 */
export function flockWatch(clock: Clock): (facts: Facts) => Promise<boolean> {
  let held = new Set<string>();
  let readAt = -Infinity;
  return async ({ device, inode }) => {
    if (onLinux && clock.monotonic() - readAt > 1_000) {
      readAt = clock.monotonic();
      const text = await readFile('/proc/locks', 'utf8').catch(() => '');
      held = new Set(
        Array.from(text.matchAll(/^\d+: FLOCK\s.*?\s\d+ ([\da-f]+:[\da-f]+:\d+) /gm), ([, file = '']) => file),
      );
    }
    return held.size > 0 && held.has(`${deviceSpelled(device)}:${inode}`);
  };
}

/**
 * The files of `wanted` (by {@link fileKey}) that a process has open for writing, as far as this process may see: those
 * of its own user, or all for root. What such a file is given next goes wherever its name went.
 * @throws SilentDiskError when somebody writes to a disk that does not answer, or is not asked: nobody can say to what
 */
export async function openForWriting(
  wanted: ReadonlySet<string>,
  { mounts = processMounts, look = stat }: { mounts?: MountQueue; look?: typeof stat } = {},
): Promise<Set<string>> {
  const open = new Set<string>();
  if (!onLinux || wanted.size === 0) return open;
  for (const process of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(process)) continue;
    for await (const fd of filesOf(process)) {
      const mount = await writtenOn(process, fd);
      if (mount === null) continue;
      const asked = mounts.ask(mount, () => look(`/proc/${process}/fd/${fd}`, { bigint: true }));
      const facts = await asked.catch((error: unknown) => {
        if (error instanceof SilentDiskError) throw error;
        // Closed meanwhile, or not to be seen.
        return null;
      });
      const key = facts?.isFile() ? fileKey(facts.dev, facts.ino) : undefined;
      if (key !== undefined && wanted.has(key)) open.add(key);
    }
  }
  return open;
}

/** So many descriptors are looked at in one go: a millisecond's worth. */
const aGlance = 200;

/**
 * The descriptors of a process that have a path. A server's may be connections by the ten thousand: asking the thread pool
 * about each would take seconds, and what they are called is known at once, whatever the disks do.
 */
async function* filesOf(process: string): AsyncGenerator<string> {
  const descriptors = await readdir(`/proc/${process}/fd`).catch(() => []);
  for (let from = 0; from < descriptors.length; from += aGlance) {
    if (from > 0) await nextTurn();
    yield* descriptors.slice(from, from + aGlance).filter((fd) => hasPath(`/proc/${process}/fd/${fd}`));
  }
}

function hasPath(descriptor: string): boolean {
  try {
    return readlinkSync(descriptor).startsWith('/');
  } catch {
    // Closed meanwhile.
    return false;
  }
}

/** The mount of a descriptor that is written to; null for one that is only read. */
async function writtenOn(process: string, fd: string): Promise<string | null> {
  const info = await readFile(`/proc/${process}/fdinfo/${fd}`, 'utf8').catch(() => '');
  const flags = /^flags:\s*([0-7]+)$/m.exec(info)?.[1];
  if (flags === undefined || (Number.parseInt(flags, 8) & 0o3) === 0) return null;
  return /^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? '';
}
