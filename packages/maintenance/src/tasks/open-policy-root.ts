import { SilentDiskError } from '../files/mount-queue.js';
import { probeDisk, type DiskProbe } from '../files/probe-disk.js';
import { openRoot, UnsafePathError, type OpenRoot } from '../files/root.js';
import { wordedFileError } from '../files/worded-error.js';
import { maintenanceErrors } from '../errors.js';

/** What came of a policy's directory. */
export type RootOutcome<Result> = { outcome: 'done'; result: Result } | { outcome: 'missing'; result?: undefined };

/**
 * Does `work` in a policy's directory.
 * @param options `shared`: others may own it and write to it, as with temporary directories; `probe`: default the process's
 * @throws ROOT_NOT_SAFE when it, or something in it that was to be worked on, is not what it seemed to be
 * @throws FILES_NOT_WORKABLE when the system refuses: no room, no permission, a disk that fails, or does not answer
 */
export async function openPolicyRoot<Result>(
  { name, directory, owners }: { name: string; directory: string; owners?: readonly number[] | undefined },
  work: (root: OpenRoot) => Promise<Result>,
  { shared = false, probe = probeDisk }: { shared?: boolean; probe?: DiskProbe } = {},
): Promise<RootOutcome<Result>> {
  try {
    // Once it is opened each call waits for its disk without end.
    await probe(directory).catch((error: unknown) => {
      if (error instanceof SilentDiskError) throw error;
    });
    const root = await openRoot(directory, { owners, shared });
    if (!root) return { outcome: 'missing' };
    try {
      return { outcome: 'done', result: await work(root) };
    } finally {
      await root.close();
    }
  } catch (error) {
    if (error instanceof UnsafePathError)
      throw maintenanceErrors.ROOT_NOT_SAFE({ policy: name, reason: error.message }, { cause: error });
    const reason = wordedFileError(error);
    if (reason !== undefined) throw maintenanceErrors.FILES_NOT_WORKABLE({ policy: name, reason }, { cause: error });
    throw error;
  }
}
