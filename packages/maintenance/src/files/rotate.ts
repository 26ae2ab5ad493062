import { link, lstat, unlink } from 'node:fs/promises';
import type { OpenRoot } from './root.js';

/** `app.log` rotated at that time: `app.log.20260131T120000Z`, with `.1`, `.2` … when that is taken. */
function rotatedName(name: string, at: number, attempt: number): string {
  const stamp = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${name}.${stamp}${attempt === 0 ? '' : `.${attempt}`}`;
}

const rotated = /^(.+)\.\d{8}T\d{6}Z(?:\.\d+)?(\.gz)?$/;

/** The log that a rotated file was, and whether it is compressed; null for a file that is no rotated one. */
export function readRotatedName(name: string): { log: string; compressed: boolean } | null {
  const match = rotated.exec(name);
  return match?.[1] === undefined ? null : { log: match[1], compressed: match[2] !== undefined };
}

const mostAttempts = 1_000;

/**
 * Renames a log out of the way, never onto a file that is there: linking fails on an existing name where renaming
 * would replace it. A process that has the log open goes on writing into the renamed file.
 * @returns the new name
 */
export async function rotateFile(root: OpenRoot, name: string, at: number): Promise<string> {
  const taken = new Set(await root.names());
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const target = rotatedName(name, at, attempt);
    if (taken.has(`${target}.gz`)) continue;
    try {
      await link(root.at(name), root.at(target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    await unlink(root.at(name));
    await root.sync();
    return target;
  }
  throw new Error('no free name for the rotated file');
}

/** Finishes a rotation whose process died between its two steps: the log still has its old name as well. */
export async function recoverRotation(root: OpenRoot, rotatedFile: string, log: string): Promise<void> {
  const [old, now] = await Promise.all([rotatedFile, log].map((name) => lstat(root.at(name)).catch(() => null)));
  if (old && now && old.isFile() && old.nlink === 2 && old.ino === now.ino && old.dev === now.dev)
    await unlink(root.at(log));
}
