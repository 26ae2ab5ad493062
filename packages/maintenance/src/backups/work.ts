import type { Clock } from '@dotmac/core';
import type { Relief } from '../files/steps.js';
import type { BackupDirectory } from './directory.js';
import type { CheckedBackup } from './policy.js';

/** What taking, verifying and restoring work with. */
export interface BackupWork {
  policy: CheckedBackup;
  directory: BackupDirectory;
  clock: Clock;
  signal: AbortSignal;
  /** Asked while a backup is read. Not while one is taken: that would hold its snapshot for as long. Default: nothing. */
  relief?: Relief;
}
