import type { Clock } from '@dotmac/core';
import { parseConnectionUrl } from '@dotmac/core/kysely';
import { maintenanceErrors } from '../errors.js';
import type { OpenRoot } from '../files/root.js';
import { exclusively } from '../runs/exclusively.js';
import { resourceKey, type ScopeIds } from '../runs/lease-keys.js';
import type { MaintenanceStore } from '../store/store.js';
import { openPolicyRoot } from '../tasks/open-policy-root.js';
import { backupsResource } from './back-up.js';
import { sqlitePath } from './databases/sqlite.js';
import { backupDirectory } from './directory.js';
import { kindOf, type CheckedBackup } from './policy.js';
import { BackupError } from './program.js';
import { BrokenDump, UnfitTarget } from './source.js';
import { withContent } from './verify-backup.js';
import { withinTime } from './within-time.js';

/** What restorations work with. */
export interface RestorationParts {
  store: MaintenanceStore;
  scopeIds: ScopeIds;
  clock: Clock;
  leaseTtlMs: number;
}

/** Which backup goes where. */
interface Restoration {
  policy: CheckedBackup;
  id: string;
  into: string;
  signal: AbortSignal;
}

/**
 * Restores a backup while no run works on those of its policy, and nobody else restores into the same place: who finds an
 * empty database fills it for hours.
 * @throws BACKUP_NOT_FOUND, BACKUP_NOT_RESTORED
 */
export async function restoreBackup(parts: RestorationParts, asked: Restoration): Promise<{ tables: number }> {
  const { policy, id, into } = asked;
  const { scopeIds, ...holding } = parts;
  const alone = async <Result>(
    [key, elseBusy]: readonly [string, string],
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> => {
    const hold = { ...holding, signal, patienceMs: 0 };
    const done = await exclusively(hold, key, async (held) => ({ result: await work(held.signal) }));
    if (!done) throw maintenanceErrors.BACKUP_NOT_RESTORED({ id, reason: elseBusy });
    return done.result;
  };
  const ofPolicy = resourceKey(backupsResource(policy), scopeIds.cluster);
  const busyPolicy = `a run, or another restoration, is at the backups of the policy ${policy.name}.`;
  const busyTarget = 'another restoration into that database is under way.';
  const { result } = await alone([ofPolicy, busyPolicy], asked.signal, (held) =>
    alone([targetKey(into, scopeIds), busyTarget], held, (signal) =>
      openPolicyRoot(policy, (root) => restoreFrom(root, { ...asked, signal }, parts)),
    ),
  );
  if (!result) throw maintenanceErrors.BACKUP_NOT_FOUND({ policy: policy.name, id });
  return result;
}

async function restoreFrom(
  root: OpenRoot,
  { policy, id, into, signal }: Restoration,
  { clock }: RestorationParts,
): Promise<{ tables: number }> {
  const directory = backupDirectory(root, policy);
  const backup = (await directory.list()).find((it) => it.id === id);
  if (!backup) throw maintenanceErrors.BACKUP_NOT_FOUND({ policy: policy.name, id });
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
}

/** One for all URLs of a file of this machine, or of a database. */
function targetKey(into: string, scopeIds: ScopeIds): string {
  const path = sqlitePath(into);
  if (path !== null) return resourceKey(`restoration:${path}`, scopeIds.host);
  const kind = kindOf(into);
  const { host, port, database } = kind ? parseConnectionUrl(into, kind.schemes, kind.port) : {};
  return resourceKey(`restoration:${JSON.stringify([host?.toLowerCase(), port, database])}`, scopeIds.cluster);
}

function notRestored(error: unknown, id: string): unknown {
  const known = error instanceof UnfitTarget || error instanceof BrokenDump;
  const reason = known ? error.message : error instanceof BackupError ? error.code : undefined;
  return reason === undefined ? error : maintenanceErrors.BACKUP_NOT_RESTORED({ id, reason }, { cause: error });
}
