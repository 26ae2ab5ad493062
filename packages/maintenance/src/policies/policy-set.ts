import { coreErrors, type InputIssue } from '@dotmac/core';
import type { Database } from '@dotmac/core/kysely';
import { checkBackup, type CheckedBackup } from '../backups/policy.js';
import {
  checkDays,
  checkFilePattern,
  checkIdentifier,
  checkPolicyName,
  checkRedisPattern,
  checkRoot,
} from './allow-list.js';
import type {
  CachePolicy,
  DirectoryPolicy,
  LogPolicy,
  MaintenancePolicies,
  RedisCachePolicy,
  RetentionPolicy,
} from './policy.js';

type Filled<Policy, Optional extends keyof Policy> = Policy & Required<Pick<Policy, Optional>>;

/** A retention policy, checked, with its defaults. */
export type CheckedRetention = Filled<RetentionPolicy, 'timeUnit' | 'minRetentionDays'> & { on: Database };
/** A log policy, checked, with its defaults. */
export type CheckedLog = Filled<LogPolicy, 'pattern'>;
/** A directory policy, checked, with its defaults. */
export type CheckedDirectory = Filled<DirectoryPolicy, 'maxAgeDays'>;

/** The policies that one tenant may run; all checked. */
export interface PolicySet {
  readonly databases: Readonly<Record<string, Database>>;
  readonly retention: readonly CheckedRetention[];
  readonly logs: readonly CheckedLog[];
  readonly redisCaches: readonly RedisCachePolicy[];
  readonly directoryCaches: readonly CheckedDirectory[];
  readonly directories: readonly CheckedDirectory[];
  readonly backups: readonly CheckedBackup[];
}

/**
 * Checks all that the host registered; at once, so that a fault shows at the start and not at night.
 * @throws INVALID_ARGUMENT naming the policy and what is wrong with it
 */
export function checkPolicies(given: MaintenancePolicies): PolicySet {
  const { databases = {}, retention = [], logs = [], caches = [], directories = [], backups = [] } = given;
  for (const [kind, policies] of Object.entries({ retention, logs, caches, directories, backups }))
    checkNames(kind, policies);
  return {
    databases,
    retention: retention.map((policy) => checkRetention(policy, databases)),
    logs: logs.map(checkLog),
    redisCaches: caches.filter(isRedis).map((policy) => {
      checkRedisPattern(`caches.${policy.name}.pattern`, policy.pattern);
      return policy;
    }),
    directoryCaches: caches
      .filter((it): it is DirectoryPolicy => !isRedis(it))
      .map((policy) => checkDirectory('caches', policy)),
    directories: directories.map((policy) => checkDirectory('directories', policy)),
    backups: backups.map(checkBackup),
  };
}

const isRedis = (policy: CachePolicy): policy is RedisCachePolicy => 'redis' in policy;

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
  const { timeUnit = 'ms', minRetentionDays = 1 } = policy;
  const on = Object.hasOwn(databases, policy.database) ? databases[policy.database] : undefined;
  if (!on)
    throw coreErrors.INVALID_ARGUMENT({
      argument: `${at}.database`,
      reason: `there is no database ${policy.database}`,
    });
  checkIdentifier(`${at}.table`, policy.table);
  checkIdentifier(`${at}.timeColumn`, policy.timeColumn);
  checkDays(`${at}.minRetentionDays`, minRetentionDays, 0);
  checkDays(`${at}.retentionDays`, policy.retentionDays, minRetentionDays);
  return { ...policy, timeUnit, minRetentionDays, on };
}

function checkLog(policy: LogPolicy): CheckedLog {
  const at = `logs.${policy.name}`;
  const { pattern = '*.log' } = policy;
  checkFilePattern(`${at}.pattern`, pattern);
  if (policy.retentionDays !== undefined) checkDays(`${at}.retentionDays`, policy.retentionDays, 0);
  return { ...policy, pattern, directory: checkRoot(`${at}.directory`, policy.directory) };
}

function checkDirectory(kind: string, policy: DirectoryPolicy): CheckedDirectory {
  const at = `${kind}.${policy.name}`;
  const { maxAgeDays = 7 } = policy;
  checkDays(`${at}.maxAgeDays`, maxAgeDays, 0);
  return { ...policy, maxAgeDays, directory: checkRoot(`${at}.directory`, policy.directory) };
}

/** What of it `tenantId` may run. */
export function policiesOf(all: PolicySet, tenantId: string): PolicySet {
  const own = <Policy extends { tenants?: readonly string[] }>(policies: readonly Policy[]): Policy[] =>
    policies.filter(({ tenants }) => tenants === undefined || tenants.includes(tenantId));
  return {
    databases: all.databases,
    retention: own(all.retention),
    logs: own(all.logs),
    redisCaches: own(all.redisCaches),
    directoryCaches: own(all.directoryCaches),
    directories: own(all.directories),
    backups: own(all.backups),
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
