import { coreErrors, type InputIssue } from '@dotmac/core';
import type { Database } from '@dotmac/core/kysely';
import { checkBackup, type CheckedBackup } from '../backups/policy.js';
import type { KeepNewest, TableName } from '../databases/rows/selection.js';
import { checkDays, checkIdentifier, checkNumber, checkPolicyName, checkRoot } from './allow-list.js';
import { checkDirectory, type CheckedDirectory } from './check-directory.js';
import { checkLog, type CheckedLog } from './check-log.js';
import type { DirectoryPolicy } from './directory-policy.js';
import type {
  CachePolicy,
  MaintenancePolicies,
  MemoryCachePolicy,
  RedisCachePolicy,
  RetentionPolicy,
} from './policy.js';
import {
  checkMemory,
  checkRedis,
  checkUpdates,
  checkUpkeep,
  databaseOf,
  type CheckedMemory,
  type CheckedRedis,
  type CheckedUpdates,
  type CheckedUpkeep,
} from './upkeep-policies.js';

type Filled<Policy, Optional extends keyof Policy> = Policy & Required<Pick<Policy, Optional>>;

/** A retention policy, checked, with its defaults. */
export type CheckedRetention = Omit<
  Filled<RetentionPolicy, 'timeUnit' | 'minRetentionDays' | 'allowFullScan' | 'maxShare'>,
  'keepNewest'
> & { keepNewest?: KeepNewest | undefined; on: Database };

/** The policies that one tenant may run; all checked. */
export interface PolicySet {
  readonly databases: Readonly<Record<string, Database>>;
  readonly retention: readonly CheckedRetention[];
  readonly logs: readonly CheckedLog[];
  readonly upkeep: readonly CheckedUpkeep[];
  readonly updates: readonly CheckedUpdates[];
  readonly redisCaches: readonly CheckedRedis[];
  readonly memoryCaches: readonly CheckedMemory[];
  readonly directoryCaches: readonly CheckedDirectory[];
  readonly directories: readonly CheckedDirectory[];
  readonly backups: readonly CheckedBackup[];
  /** Directories, of all tenants, that are cleaned with all that is below them. */
  readonly roots: readonly string[];
}

/**
 * Checks all that the host registered; at once, so that a fault shows at the start and not at night.
 * @throws INVALID_ARGUMENT naming the policy and what is wrong with it
 */
export function checkPolicies(given: MaintenancePolicies): PolicySet {
  const {
    databases = {},
    retention = [],
    logs = [],
    caches = [],
    directories = [],
    upkeep = [],
    updates = [],
    backups = [],
  } = given;
  for (const [kind, policies] of Object.entries({ retention, logs, caches, directories, upkeep, updates, backups }))
    checkNames(kind, policies);
  const directoryCaches = caches
    .filter((it): it is DirectoryPolicy => !isRedis(it) && !isMemory(it))
    .map((policy) => checkDirectory('caches', policy, 1));
  const checkedDirectories = directories.map((policy) => checkDirectory('directories', policy, 0.5));
  return {
    databases,
    retention: retention.map((policy) => checkRetention(policy, databases)),
    logs: logs.map(checkLog),
    upkeep: upkeep.map((policy) => checkUpkeep(policy, databases)),
    updates: updates.map(checkUpdates),
    redisCaches: caches.filter(isRedis).map(checkRedis),
    memoryCaches: caches.filter(isMemory).map(checkMemory),
    directoryCaches,
    directories: checkedDirectories,
    backups: backups.map((policy) => {
      checkDatabase(`backups.${policy.name}.database`, policy.database, databases);
      return checkBackup(policy);
    }),
    roots: [...directoryCaches, ...checkedDirectories].map(({ directory }) => directory),
  };
}

/** @throws INVALID_ARGUMENT when a name is given, and there is no such database */
export function checkDatabase(argument: string, name: string | undefined, databases: Record<string, Database>): void {
  if (name !== undefined && !Object.hasOwn(databases, name))
    throw coreErrors.INVALID_ARGUMENT({ argument, reason: `there is no database ${name}` });
}

const isRedis = (policy: CachePolicy): policy is RedisCachePolicy => 'redis' in policy;
const isMemory = (policy: CachePolicy): policy is MemoryCachePolicy => 'memory' in policy;

function checkNames(kind: string, policies: readonly { name: string }[]): void {
  const names = new Set<string>();
  for (const { name } of policies) {
    checkPolicyName(`${kind}.name`, name);
    if (names.has(name))
      throw coreErrors.INVALID_ARGUMENT({ argument: kind, reason: `there are two policies named ${name}` });
    names.add(name);
  }
}

function checkRetention(policy: RetentionPolicy, databases: Record<string, Database>): CheckedRetention {
  const at = `retention.${policy.name}`;
  const { timeUnit = 'ms', minRetentionDays = policy.retentionDays, allowFullScan = false, archive } = policy;
  const { maxShare = 0.5 } = policy;
  const on = databaseOf(`${at}.database`, policy.database, databases);
  checkTable(at, policy);
  checkIdentifier(`${at}.timeColumn`, policy.timeColumn);
  if (!(maxShare > 0 && maxShare <= 1))
    throw coreErrors.INVALID_ARGUMENT({ argument: `${at}.maxShare`, reason: 'a share is above 0, and at most 1' });
  for (const column of Object.keys(policy.match ?? {})) checkIdentifier(`${at}.match`, column);
  checkAlong(at, policy);
  checkDays(`${at}.retentionDays`, policy.retentionDays, 0);
  checkNumber(`${at}.minRetentionDays`, minRetentionDays, 0, policy.retentionDays);
  if (policy.keepsOwnDays && minRetentionDays < policy.retentionDays)
    throw coreErrors.INVALID_ARGUMENT({
      argument: `${at}.minRetentionDays`,
      reason: 'with keepsOwnDays a policy takes no fewer than its retentionDays: leave one of the two out',
    });
  const checked = {
    ...policy,
    timeUnit,
    minRetentionDays,
    allowFullScan,
    maxShare,
    on,
    keepNewest: keptNewest(at, policy),
  };
  if (archive === undefined) return checked;
  if ('directory' in archive)
    return { ...checked, archive: { directory: checkRoot(`${at}.archive.directory`, archive.directory) } };
  checkTable(`${at}.archive`, archive);
  return checked;
}

function checkTable(at: string, { schema, table }: TableName): void {
  checkIdentifier(`${at}.table`, table);
  if (schema !== undefined) checkIdentifier(`${at}.schema`, schema);
}

function checkAlong(at: string, { along = [], archive }: RetentionPolicy): void {
  if (along.length > 0 && archive)
    throw coreErrors.INVALID_ARGUMENT({ argument: `${at}.along`, reason: 'what goes along is not archived' });
  for (const { table, columns } of along) {
    checkIdentifier(`${at}.along.table`, table);
    const names = Object.entries(columns);
    if (names.length === 0)
      throw coreErrors.INVALID_ARGUMENT({
        argument: `${at}.along.columns`,
        reason: 'by no column nothing belongs to a row',
      });
    for (const name of names.flat()) checkIdentifier(`${at}.along.columns`, name);
  }
}

function keptNewest(at: string, { keepNewest }: RetentionPolicy): KeepNewest | undefined {
  if (keepNewest === undefined) return undefined;
  const kept = typeof keepNewest === 'number' ? { count: keepNewest } : keepNewest;
  if (!Number.isInteger(kept.count) || kept.count < 1 || kept.count > 1_000_000)
    throw coreErrors.INVALID_ARGUMENT({ argument: `${at}.keepNewest`, reason: 'a whole number, 1 to 1,000,000' });
  if (kept.per !== undefined) checkIdentifier(`${at}.keepNewest.per`, kept.per);
  return kept;
}

/** What of it `tenantId` may run. */
export function policiesOf(all: PolicySet, tenantId: string): PolicySet {
  const own = <Policy extends { tenants?: readonly string[] }>(policies: readonly Policy[]): Policy[] =>
    policies.filter(({ tenants }) => tenants === undefined || tenants.includes(tenantId));
  return {
    databases: all.databases,
    retention: own(all.retention),
    logs: own(all.logs),
    upkeep: own(all.upkeep),
    updates: own(all.updates),
    redisCaches: own(all.redisCaches),
    memoryCaches: own(all.memoryCaches),
    directoryCaches: own(all.directoryCaches),
    directories: own(all.directories),
    backups: own(all.backups),
    roots: all.roots,
  };
}

interface Named {
  readonly name: string;
}

/** The policies of those names; all when no names are given. */
export function named<Policy extends Named>(
  policies: readonly Policy[],
  names: readonly string[] | undefined,
): Policy[] {
  return policies.filter(({ name }) => names === undefined || names.includes(name));
}

/** A fault for every name that none of the policies has. */
export function unknownNames(policies: readonly Named[], names: readonly string[] = []): InputIssue[] {
  return names.flatMap((name, index) =>
    policies.some((policy) => policy.name === name)
      ? []
      : [
          {
            path: `policies.${index}`,
            message: `There is no such policy; there are: ${policies.map((it) => it.name).join(', ') || 'none'}`,
          },
        ],
  );
}
