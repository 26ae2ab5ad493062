import type { Clock } from '@dotmac/core';
import { invalidInput, pageAfter, type Page } from '@dotmac/core/contract';
import type { z } from 'zod';
import { maintenanceErrors } from '../errors.js';
import { named, unknownNames } from '../policies/policy-set.js';
import { openPolicyRoot } from '../tasks/open-policy-root.js';
import { backupDirectory } from './directory.js';
import { decide, type Decision } from './keep.js';
import type { Backup } from './manifest.js';
import type { CheckedBackup } from './policy.js';
import { BackupError } from './program.js';
import { backupsQuery, type BackupView } from './schemas.js';
import { BrokenDump, UnfitTarget } from './source.js';
import { withContent } from './verify-backup.js';
import { withinTime } from './within-time.js';

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
   * that their roles must be there
   * @throws BACKUP_NOT_FOUND, BACKUP_NOT_RESTORED
   */
  restore(backup: BackupName, into: string, options?: { signal?: AbortSignal }): Promise<{ tables: number }>;
}

/** What the service works with. */
export interface BackupServiceParts {
  policies: readonly CheckedBackup[];
  clock: Clock;
}

/** @see BackupService */
export function createBackupService({ policies, clock }: BackupServiceParts): BackupService {
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
      const unknown = (): Error => maintenanceErrors.BACKUP_NOT_FOUND({ policy: name, id });
      const policy = policies.find((it) => it.name === name);
      if (!policy) throw unknown();
      const restored = await openPolicyRoot(policy, async (root) => {
        const directory = backupDirectory(root, policy);
        const backup = (await directory.list()).find((it) => it.id === id);
        if (!backup) throw unknown();
        try {
          return await withinTime({ policy, clock, signal }, async ({ signal: within }) => {
            const context = { clock, signal: within, scratchFile: directory.scratchFile(id) };
            const work = { directory, signal: within };
            await withContent(backup, work, (content) => policy.source.restore(context, content, into));
            return { tables: backup.tables.length };
          });
        } catch (error) {
          throw notRestored(error, id);
        }
      });
      if (!restored.result) throw unknown();
      return restored.result;
    },
  };
}

function notRestored(error: unknown, id: string): unknown {
  const known = error instanceof UnfitTarget || error instanceof BrokenDump;
  const reason = known ? error.message : error instanceof BackupError ? error.code : undefined;
  return reason === undefined ? error : maintenanceErrors.BACKUP_NOT_RESTORED({ id, reason }, { cause: error });
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
