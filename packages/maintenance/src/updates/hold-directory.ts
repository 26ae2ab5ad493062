import { spawn } from 'node:child_process';
import { open, type FileHandle } from 'node:fs/promises';
import { environmentOf, ProgramError, whyOf } from './run-program.js';

/** What `flock` ends with where somebody else holds what it was to lock. */
const heldByAnother = 1;

/**
 * Locks a directory for a program that outlives this process: whatever was given the handle holds the lock, and the system
 * frees it when the last of them ends, however that comes. Node itself has no such lock; the `flock` of util-linux or
 * BusyBox locks what it is given open.
 * @throws ProgramError when a program that was begun earlier still holds it, or it cannot be locked
 */
export async function holdDirectory(path: string): Promise<FileHandle> {
  const directory = await open(path, 'r').catch((error: unknown) => {
    throw new ProgramError('the directory could not be opened', { cause: error });
  });
  try {
    await lock(directory);
    return directory;
  } catch (error) {
    await directory.close();
    throw error;
  }
}

function lock({ fd }: FileHandle): Promise<void> {
  const child = spawn('flock', ['-n', '3'], { env: environmentOf({}), stdio: ['ignore', 'ignore', 'ignore', fd] });
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new ProgramError(whyOf('flock', error as NodeJS.ErrnoException), { cause: error })),
    );
    child.once('exit', (code) => {
      if (code === 0) return resolve();
      const why = code === heldByAnother ? 'one that was begun earlier is still at work there' : 'it cannot be locked';
      reject(new ProgramError(`nothing was begun in the directory: ${why}`));
    });
  });
}
