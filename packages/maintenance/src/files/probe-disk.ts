import { readFile, stat, statfs } from 'node:fs/promises';
import { processMounts, type MountQueue } from './mount-queue.js';

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
 * @throws SilentDiskError when it does not answer within five seconds, or has not done so before, or three others have not
 */
export type DiskProbe = (directory: string) => Promise<DiskFacts>;

/** What a probe works with. Default the system's, and what is known in this process of mounts. */
export interface DiskProbeParts {
  mounts?: MountQueue;
  files?: { stat: typeof stat; statfs: typeof statfs };
}

/** Makes a probe. */
export function createDiskProbe({ mounts = processMounts, files = { stat, statfs } }: DiskProbeParts = {}): DiskProbe {
  const ask = async (directory: string): Promise<DiskFacts> => {
    const { dev } = await files.stat(directory);
    const { blocks, bavail, bsize, files: inodes, ffree: freeInodes } = await files.statfs(directory);
    return { device: String(dev), totalBytes: blocks * bsize, freeBytes: bavail * bsize, inodes, freeInodes };
  };
  return async (directory) => mounts.ask(await mountOf(directory), () => ask(directory));
}

/** The process's own. */
export const probeDisk: DiskProbe = createDiskProbe();

/**
 * The mount that a directory is on, by what the kernel lists: to ask for that itself might never end. What is on no other mount than
 * the root's stands for itself, for a link may lead from there to anywhere.
 */
async function mountOf(directory: string): Promise<string> {
  const listed = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  let [longest, mount] = [1, directory];
  for (const line of listed.split('\n')) {
    const [id = '', , , , point = ''] = line.split(' ');
    const name = unescaped(point);
    // Of those at one place the last is on top.
    if (name.length >= longest && (directory === name || directory.startsWith(`${name}/`)) && name !== '/')
      [longest, mount] = [name.length, id];
  }
  return mount;
}

const unescaped = (name: string): string =>
  name.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
