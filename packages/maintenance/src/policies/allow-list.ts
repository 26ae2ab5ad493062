import { homedir } from 'node:os';
import { isAbsolute, normalize, sep } from 'node:path';
import { cwd } from 'node:process';
import { coreErrors, type OperationError } from '@dotmac/core';
import type { CachePolicy, DirectoryPolicy, LogPolicy, Policies, RedisCachePolicy, RetentionPolicy } from './policy.js';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** PostgreSQL cuts longer names silently, so that two of them could mean one table. */
const longestIdentifierBytes = 63;
const leastLiteralCharacters = 3;

function refusal(policy: string, field: string, reason: string): OperationError {
  return coreErrors.INVALID_ARGUMENT({ argument: `${policy}.${field}`, reason });
}

/**
 * Checks everything about policies that can be known without asking a database or a file system.
 * @throws INVALID_ARGUMENT naming the policy and the field
 */
export function checkPolicies(policies: Policies, databases: readonly string[]): void {
  for (const kind of ['retention', 'logs', 'caches', 'directories'] as const) checkNames(kind, policies[kind]);
  for (const policy of policies.retention) checkRetention(policy, databases);
  for (const policy of policies.logs) checkLog(policy);
  for (const policy of policies.caches) (isRedisPolicy(policy) ? checkRedis : checkDirectoryPolicy)(policy as never);
  for (const policy of policies.directories) checkDirectoryPolicy(policy);
}

/** True for a cache in Redis, false for one in a directory. */
export function isRedisPolicy(policy: CachePolicy): policy is RedisCachePolicy {
  return 'redis' in policy;
}

function checkNames(kind: string, policies: readonly { name: string }[]): void {
  const seen = new Set<string>();
  for (const { name } of policies) {
    if (!namePattern.test(name))
      throw refusal(kind, 'name', 'a name is 1 to 64 letters, digits, ".", "_" or "-", and starts with one of the first two');
    if (seen.has(name)) throw refusal(name, 'name', `there are two policies of this name among ${kind}`);
    seen.add(name);
  }
}

function checkRetention(policy: RetentionPolicy, databases: readonly string[]): void {
  const { name, database, retentionDays, minRetentionDays = 1, batchSize = 1 } = policy;
  if (!databases.includes(database)) throw refusal(name, 'database', `there is no database ${database}`);
  for (const field of ['table', 'timeColumn', 'tenantColumn', 'schema'] as const)
    if (policy[field] !== undefined) checkIdentifier(name, field, policy[field]);
  if (['pg_catalog', 'information_schema', 'pg_toast', 'mysql', 'sys', 'performance_schema'].includes(policy.schema ?? ''))
    throw refusal(name, 'schema', "the database's own tables are not touched");
  if (/^sqlite_/i.test(policy.table)) throw refusal(name, 'table', "SQLite's own tables are not touched");
  checkFloor(name, 'retentionDays', retentionDays, minRetentionDays);
  if (!Number.isInteger(batchSize) || batchSize < 1) throw refusal(name, 'batchSize', 'a whole number from 1 on');
}

function checkIdentifier(policy: string, field: string, identifier: string): void {
  if (identifier === '' || identifier.includes('\0') || Buffer.byteLength(identifier) > longestIdentifierBytes)
    throw refusal(policy, field, `an identifier is 1 to ${longestIdentifierBytes} bytes without NUL`);
}

function checkFloor(policy: string, field: string, days: number, floor: number): void {
  if (!(Number.isFinite(days) && floor >= 0 && days >= floor && days <= 36_500))
    throw refusal(policy, field, `a number of days from the policy's own least (${floor}) to 36500`);
}

function checkLog(policy: LogPolicy): void {
  const { name, directory, pattern = '*.log', retentionDays = 30, minRetentionDays = 1 } = policy;
  checkRoot(name, directory);
  if (pattern === '' || /[/\\\0]/.test(pattern)) throw refusal(name, 'pattern', 'it names files in the directory itself');
  if (/^[*?]+$/.test(pattern)) throw refusal(name, 'pattern', 'it must hold something literal, e.g. `*.log`');
  checkFloor(name, 'retentionDays', retentionDays, minRetentionDays);
}

function checkDirectoryPolicy({ name, directory, maxAgeDays, minAgeDays = 0 }: DirectoryPolicy): void {
  checkRoot(name, directory);
  checkFloor(name, 'maxAgeDays', maxAgeDays, minAgeDays);
}

/** A directory that may be cleaned lies at least two levels deep and holds neither our home nor where we stand. */
function checkRoot(policy: string, directory: string): void {
  const refuse = (reason: string): OperationError => refusal(policy, 'directory', reason);
  if (!isAbsolute(directory)) throw refuse('it must be absolute');
  if (directory.includes('\0') || directory.split(/[/\\]/).includes('..')) throw refuse('it must not go up with ".."');
  const path = normalize(directory + sep);
  if (path.split(sep).filter((part) => part !== '').length < 2) throw refuse('it must lie at least two levels deep');
  for (const [place, why] of [
    [homedir(), 'the home directory'],
    [cwd(), 'the working directory'],
  ] as const)
    if (normalize(place + sep).startsWith(path)) throw refuse(`it holds ${why}`);
}

function checkRedis({ name, pattern, prefix, minIdleSeconds = 0 }: RedisCachePolicy): void {
  if ((pattern === undefined) === (prefix === undefined)) throw refusal(name, 'pattern', 'give a pattern or a prefix');
  const literal = prefix ?? /^[^*?[\]\\]*/.exec(pattern ?? '')?.[0] ?? '';
  if (literal.length < leastLiteralCharacters)
    throw refusal(name, 'pattern', `it must begin with at least ${leastLiteralCharacters} literal characters`);
  if (!(minIdleSeconds >= 0)) throw refusal(name, 'minIdleSeconds', 'seconds from 0 on');
}
