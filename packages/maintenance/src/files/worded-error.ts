import { SilentDiskError } from './mount-queue.js';
import { UnsafePathError } from './root.js';
import { errorCode } from './system.js';
import { TakenOverError } from './taken-over.js';

/** What the system's refusals mean; their own messages carry paths. */
const words: Readonly<Record<string, string>> = {
  EACCES: 'this process may not',
  EPERM: 'this process may not',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EIO: 'the disk fails',
  EMFILE: 'this process has too many files open',
  ENFILE: 'the system has too many files open',
  ENAMETOOLONG: 'a name is too long',
  EBUSY: 'a file is in use by the system',
  ESTALE: 'its file server does not know it any more',
  ENOTCONN: 'its file system is not connected',
  ESRCH: 'there is no such process',
};

/** Why the system refused to work on files, for people; undefined when that is not what went wrong. */
export function wordedFileError(error: unknown): string | undefined {
  if (error instanceof UnsafePathError || error instanceof TakenOverError || error instanceof SilentDiskError)
    return error.message;
  const code = errorCode(error);
  const said = code === undefined ? undefined : words[code];
  return said === undefined ? undefined : `${said} (${code})`;
}
