import { invalidInput, pageAfter, type Page } from '@dotmac/core/contract';
import type { z } from 'zod';
import { maintenanceErrors } from '../errors.js';
import { named, unknownNames } from '../policies/policy-set.js';
import { openPolicyRoot } from '../tasks/open-policy-root.js';
import { backupDirectory } from './directory.js';
import { decide, type Decision } from './keep.js';
import type { Backup } from './manifest.js';
import type { CheckedBackup } from './policy.js';
import { restoreBackup, type RestorationParts } from './restore-backup.js';
import { backupsQuery, type BackupView } from './schemas.js';

/** Which backup, of which policy. */
export interface BackupName {
  policy: string;
  id: string;
}

/** The backups of the policies that one tenant may run. Taking and verifying them are runs of `backup_management`. */
export interface BackupService {
  /**
   * The newest first.
   * @throws ROOT_NOT_SAFE, INVALID_INPUT (a policy that there is not: no list of its backups would be true)
   */
  list(query: Partial<z.output<typeof backupsQuery>>): Promise<Page<BackupView>>;
  /**
   * Restores a backup, after checking that its file is the one that was written. For code alone: no route does that.
   * @param into a URL of the same kind: `postgres://…` or `mysql://…` of a database that is there and has no tables, or
   * `sqlite:/path` of a file that is not there. PostgreSQL restores all or nothing; owners and grants are restored, so
   * that their roles must be there. Nobody else restores into it meanwhile, and no run works on the policy's backups: the store keeps
   * the leases
   * @throws BACKUP_NOT_FOUND, BACKUP_NOT_RESTORED
   */
  restore(backup: BackupName, into: string, options?: { signal?: AbortSignal }): Promise<{ tables: number }>;
}

/** What the service works with. */
export interface BackupServiceParts extends RestorationParts {
  policies: readonly CheckedBackup[];
}

/** @see BackupService */
export function createBackupService({ policies, ...parts }: BackupServiceParts): BackupService {
  const { clock } = parts;
  const decidedOf = async (policy: CheckedBackup): Promise<Decision<Backup>[]> => {
    const listed = await openPolicyRoot(policy, (root) => backupDirectory(root, policy).list());
    return decide(listed.result ?? [], policy.keep, { now: clock.now(), timeZone: policy.timeZone });
  };
  return {
    async list({ limit = 50, cursor, policy, state }) {
      const before = pageAfter(backupsQuery, cursor);
      const issues = unknownNames(policies, policy === undefined ? [] : [policy]);
      if (issues.length > 0) throw invalidInput(issues.map(({ message }) => ({ path: 'policy', message })));
      const all = (await Promise.all(named(policies, policy === undefined ? undefined : [policy]).map(decidedOf)))
        .flat()
        .filter(({ backup }) => (before === null || backup.id < before) && (state ?? backup.state) === backup.state)
        .sort((a, b) => (a.backup.id < b.backup.id ? 1 : -1));
      const items = all.slice(0, limit).map(viewOf);
      return { items, nextCursor: all.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    async restore({ policy: name, id }, into, { signal = new AbortController().signal } = {}) {
      const policy = policies.find((it) => it.name === name);
      if (!policy) throw maintenanceErrors.BACKUP_NOT_FOUND({ policy: name, id });
      return restoreBackup(parts, { policy, id, into, signal });
    },
  };
}

function viewOf({ backup, kept, reasons }: Decision<Backup>): BackupView {
  const { id, policy, kind, takenAt, durationMs, bytes, contentBytes, compression, sha256, tables } = backup;
  const counted = tables.map(({ rows }) => rows).filter((rows) => rows !== null);
  const rows = counted.length < tables.length ? null : counted.reduce((sum, count) => sum + count, 0);
  const { state, verifiedAt, fault } = backup;
  return {
    ...{ id, policy, databaseKind: kind, takenAt, durationSeconds: durationMs / 1000 },
    ...{ bytes, contentBytes, compression, sha256, tables: tables.length, rows },
    ...{ state, verifiedAt, fault, kept, reasons },
  };
}
