import { coreErrors } from '@dotmac/core';
import type { Database } from '@dotmac/core/kysely';
import { addsPrefix, type RedisClient } from '../caches/redis/client.js';
import { appliedKinds } from '../databases/finding.js';
import { maintenanceErrors } from '../errors.js';
import { checkAbsolute, checkIdentifier, checkNumber, checkRedisPattern } from './allow-list.js';
import type { MemoryCachePolicy, RedisCachePolicy, UpdatePolicy, UpkeepPolicy } from './policy.js';

type Filled<Policy, Optional extends keyof Policy> = Policy & Required<Pick<Policy, Optional>>;

/** A policy of Redis keys, checked, with its defaults. Its client is checked whenever it is obtained (CACHE_ADDS_PREFIX). */
export type CheckedRedis = Filled<RedisCachePolicy, 'action' | 'ttlSeconds' | 'dutyCycle'>;
/** A policy of a cache in memory, checked, with its defaults. */
export type CheckedMemory = Filled<MemoryCachePolicy, 'remove' | 'maxShare'>;
/** A policy of a database's upkeep, checked, with its defaults. */
export type CheckedUpkeep = Filled<UpkeepPolicy, 'apply'> & { on: Database };

/** A policy of package updates, checked, with its defaults. */
export type CheckedUpdates = Filled<UpdatePolicy, 'apply' | 'maxShare'>;

/**
 * The database of that name.
 * @throws INVALID_ARGUMENT when there is none, or it has one connection alone: what a statement that is to be cancelled is at,
 * only another connection can cancel (SQLite’s are short, and end by themselves)
 */
export function databaseOf(argument: string, name: string, databases: Record<string, Database>): Database {
  const refuse = (reason: string): Error => coreErrors.INVALID_ARGUMENT({ argument, reason });
  const on = Object.hasOwn(databases, name) ? databases[name] : undefined;
  if (!on) throw refuse(`there is no database ${name}`);
  if (on.dialect !== 'sqlite' && on.connections === 1)
    throw refuse(
      `the pool of ${name} has one connection, and cancelling a statement takes a second: give it 2 or more (\`poolSize\`, \`max\`, \`connectionLimit\`)`,
    );
  return on;
}

/** @throws INVALID_ARGUMENT */
export function checkRedis(policy: RedisCachePolicy): CheckedRedis {
  const at = `caches.${policy.name}`;
  const { action = 'remove', ttlSeconds = 86_400, dutyCycle = 0.2, minIdleSeconds = 0, minBytes = 0 } = policy;
  const { maxShare = 1 } = policy;
  checkRedisPattern(`${at}.pattern`, policy.pattern);
  checkNumber(`${at}.ttlSeconds`, ttlSeconds, 1, 3_153_600_000);
  checkNumber(`${at}.minIdleSeconds`, minIdleSeconds, 0, 3_153_600_000);
  checkNumber(`${at}.minBytes`, minBytes, 0, 2 ** 40);
  checkNumber(`${at}.dutyCycle`, dutyCycle, 0.001, 1);
  checkNumber(`${at}.maxShare`, maxShare, 0.000_001, 1);
  const redis = async (): Promise<RedisClient> => {
    const client = await policy.redis();
    if (addsPrefix(client)) throw maintenanceErrors.CACHE_ADDS_PREFIX({ policy: policy.name });
    return client;
  };
  return { ...policy, redis, action, ttlSeconds, dutyCycle };
}

/** @throws INVALID_ARGUMENT */
export function checkUpkeep(policy: UpkeepPolicy, databases: Record<string, Database>): CheckedUpkeep {
  const at = `upkeep.${policy.name}`;
  const { apply = [], tables = [] } = policy;
  for (const table of tables) checkIdentifier(`${at}.tables`, table);
  const unknown = apply.find((kind) => !appliedKinds.includes(kind));
  if (unknown !== undefined)
    throw coreErrors.INVALID_ARGUMENT({ argument: `${at}.apply`, reason: `no run acts on ${unknown} by itself` });
  return { ...policy, apply, on: databaseOf(`${at}.database`, policy.database, databases) };
}

/** @throws INVALID_ARGUMENT */
export function checkUpdates(policy: UpdatePolicy): CheckedUpdates {
  const at = `updates.${policy.name}`;
  const { apply = 'nothing', maxShare = 0.5 } = policy;
  // Nothing is deleted there, so that it may well be the application's own.
  if (policy.manager === 'npm') checkAbsolute(`${at}.directory`, policy.directory ?? '');
  checkNumber(`${at}.maxShare`, maxShare, 0.000_001, 1);
  return { ...policy, apply, maxShare };
}

/** @throws INVALID_ARGUMENT */
export function checkMemory(policy: MemoryCachePolicy): CheckedMemory {
  const { remove = 'stale', maxShare = 1 } = policy;
  checkNumber(`caches.${policy.name}.maxShare`, maxShare, 0.000_001, 1);
  return { ...policy, remove, maxShare };
}
