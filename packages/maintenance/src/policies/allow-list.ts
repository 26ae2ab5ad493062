import { homedir } from 'node:os';
import { isAbsolute, normalize, sep } from 'node:path';
import { coreErrors } from '@dotmac/core';

const policyName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const refuse = (argument: string, reason: string): Error => coreErrors.INVALID_ARGUMENT({ argument, reason });

/** @throws INVALID_ARGUMENT when `name` is not 1 to 64 letters, digits, `.`, `_` or `-` */
export function checkPolicyName(argument: string, name: string): void {
  if (!policyName.test(name)) throw refuse(argument, 'a name is 1 to 64 letters, digits, ".", "_" or "-"');
}

/**
 * Refuses what cannot be one table or column: PostgreSQL silently cuts names at 63 bytes, so that two could meet.
 * @throws INVALID_ARGUMENT
 */
export function checkIdentifier(argument: string, identifier: string): void {
  const bytes = Buffer.byteLength(identifier);
  if (bytes === 0 || bytes > 63) throw refuse(argument, 'a table or column name is 1 to 63 bytes');
  if (identifier.includes('\0')) throw refuse(argument, 'a table or column name has no NUL');
}

/** @throws INVALID_ARGUMENT for a relative path, or none */
export function checkAbsolute(argument: string, directory: string): void {
  if (directory.includes('\0') || !isAbsolute(directory))
    throw refuse(argument, 'the directory must be an absolute path');
}

/**
 * Refuses directories that no cleaner should be let loose on.
 * @returns the path, normalised
 * @throws INVALID_ARGUMENT for a relative path, `/`, a directory directly below it, the home directory, the working directory or one that contains either
 */
export function checkRoot(argument: string, directory: string, workingDirectory = process.cwd()): string {
  checkAbsolute(argument, directory);
  const path = normalize(directory).replace(/(?<=.)[\\/]+$/, '');
  if (path.split(sep).filter(Boolean).length < 2)
    throw refuse(argument, 'the directory is too near the root of the disk');
  for (const [kept, what] of [
    [homedir(), 'home'],
    [workingDirectory, 'working'],
  ] as const)
    if (kept === path || kept.startsWith(path + sep))
      throw refuse(argument, `the directory contains the ${what} directory`);
  return path;
}

const literalStart = 3;

/**
 * @throws INVALID_ARGUMENT unless at least three literal characters stand before the first wildcard
 */
export function checkRedisPattern(argument: string, pattern: string): void {
  const wildcard = pattern.search(/[*?[\\]/);
  if ((wildcard < 0 ? pattern.length : wildcard) < literalStart)
    throw refuse(argument, `the pattern must start with at least ${literalStart} literal characters`);
}

/** @throws INVALID_ARGUMENT when a file name pattern is empty, has a separator, or is all wildcards */
export function checkFilePattern(argument: string, pattern: string): void {
  if (pattern.length === 0 || pattern.length > 128 || /[/\\\0]/.test(pattern) || !/[^*?.]/.test(pattern))
    throw refuse(argument, 'a file pattern is 1 to 128 characters without separators, not only wildcards');
}

/** @throws INVALID_ARGUMENT when `days` is not a number from `least` to 36,500 */
export function checkDays(argument: string, days: number, least: number): void {
  if (!(days >= least && days <= 36_500)) throw refuse(argument, `must be ${least} to 36500 days`);
}

/** @throws INVALID_ARGUMENT when `value` is not a number from `least` to `most` */
export function checkNumber(argument: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most)) throw refuse(argument, `must be ${least} to ${most}`);
}
