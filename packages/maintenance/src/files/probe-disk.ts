import { readFile, stat, statfs } from 'node:fs/promises';
import { systemClock, type Clock } from '@dotmac/core';

/** A file system that does not answer, as that of a file server that is gone. Its message is for people, and carries no path. */
export class SilentDiskError extends Error {
  override readonly name = 'SilentDiskError';
  constructor() {
    super('its file system does not answer');
  }
}

/** What a directory's disk says of itself. */
export interface DiskFacts {
  /** The same as long as it is the same disk of this machine. */
  device: string;
  totalBytes: number;
  /** For those who are not root. */
  freeBytes: number;
  /** Files that there can be; 0 where the file system does not count them. */
  inodes: number;
  freeInodes: number;
}

/**
 * Asks the disk of a directory.
 * @throws SilentDiskError when it does not answer within five seconds, or has not done so before
 */
export type DiskProbe = (directory: string) => Promise<DiskFacts>;

/** What a probe works with. Default the system's. */
export interface DiskProbeParts {
  clock?: Pick<Clock, 'after'>;
  files?: { stat: typeof stat; statfs: typeof statfs };
}

/** Node has four threads for the calls of all files: a call that never comes back keeps one of them. */
const [patienceMs, mostSilent] = [5_000, 3];

/**
 * Makes a probe that asks each mount one question at a time, and none while an earlier one is unanswered; none at all, of
 * whatever mount, while three are silent.
 */
export function createDiskProbe({ clock = systemClock, files = { stat, statfs } }: DiskProbeParts = {}): DiskProbe {
  const asked = new Map<string, Promise<void>>();
  const silent = new Set<string>();
  const ask = async (directory: string): Promise<DiskFacts> => {
    const { dev } = await files.stat(directory);
    const { blocks, bavail, bsize, files: inodes, ffree: freeInodes } = await files.statfs(directory);
    return { device: String(dev), totalBytes: blocks * bsize, freeBytes: bavail * bsize, inodes, freeInodes };
  };
  return async (directory) => {
    const mount = await mountOf(directory);
    while (asked.has(mount)) await asked.get(mount);
    if (silent.has(mount) || silent.size >= mostSilent) throw new SilentDiskError();
    const answer = ask(directory);
    const inTime = new Promise<void>((resolve, reject) => {
      const cancel = clock.after(patienceMs, () => {
        silent.add(mount);
        reject(new SilentDiskError());
      });
      const answered = (): void => {
        cancel();
        silent.delete(mount);
        resolve();
      };
      answer.then(answered, answered);
    });
    const settled = inTime.catch(() => undefined).finally(() => asked.delete(mount));
    asked.set(mount, settled);
    await inTime;
    return answer;
  };
}

/** The process's own: its threads are what the calls share. */
export const probeDisk: DiskProbe = createDiskProbe();

/**
 * Where the mount of a directory begins, by what the kernel lists: to ask for that itself might never end. What is on no other
 * mount than the root's stands for itself, for a link may lead from there to anywhere.
 */
async function mountOf(directory: string): Promise<string> {
  const listed = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const points = listed.split('\n').map((line) => unescaped(line.split(' ')[4] ?? ''));
  const above = points.filter((it) => it.length > 1 && (directory === it || directory.startsWith(`${it}/`)));
  return above.reduce((longest, it) => (it.length > longest.length ? it : longest), '') || directory;
}

const unescaped = (name: string): string =>
  name.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
