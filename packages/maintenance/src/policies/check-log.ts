import { coreErrors } from '@dotmac/core';
import { codecs, type Codec, type CodecName } from '../files/codec.js';
import { dated, isDateFormat, numbered, standardFormat, type Naming } from '../logs/naming.js';
import { wallTime } from '../logs/periods.js';
import { usuallyDue } from './usually-due.js';
import { checkDays, checkFilePattern, checkRoot } from './allow-list.js';
import type { LogPolicy } from './log-policy.js';
import { leastAllowed } from './request-limits.js';

type Defaulted =
  | 'pattern'
  | 'owners'
  | 'minSizeMb'
  | 'timeZone'
  | 'rotateEmpty'
  | 'method'
  | 'create'
  | 'hooks'
  | 'minFreePercent'
  | 'maxShare';

/** A log policy, checked, with its defaults. */
export type CheckedLog = Omit<LogPolicy, 'naming' | 'compress' | 'requestLimits'> &
  Required<Pick<LogPolicy, Defaulted>> & {
    naming: Naming;
    compress: { codec: Codec; level: number; delay: number };
    requestLimits: Required<NonNullable<LogPolicy['requestLimits']>>;
    /** Whether to compress when a request does not say. */
    compresses: boolean;
  };

/**
 * Checks it and fills its defaults.
 * @throws INVALID_ARGUMENT naming the policy and what is wrong with it
 */
export function checkLog(policy: LogPolicy): CheckedLog {
  const at = `logs.${policy.name}`;
  const { pattern = '*.log', timeZone = 'UTC', minFreePercent = 0, minSizeMb = 0, maxShare = 0.5 } = policy;
  checkFilePattern(`${at}.pattern`, pattern);
  for (const field of ['retentionDays', 'maxAgeDays'] as const)
    if (policy[field] !== undefined) checkDays(`${at}.${field}`, policy[field], 0);
  checkNumbers(at, { ...policy, minFreePercent, minSizeMb });
  refuseUnless(maxShare > 0 && maxShare <= 1, `${at}.maxShare`, 'a share is above 0, and at most 1');
  checkReopen(at, policy);
  return {
    owners: [],
    rotateEmpty: false,
    method: 'rename',
    create: false,
    hooks: {},
    ...policy,
    pattern,
    timeZone,
    minFreePercent,
    minSizeMb,
    maxShare,
    directory: checkRoot(`${at}.directory`, policy.directory),
    naming: checkNaming(at, policy, timeZone),
    compress: checkCompression(at, policy),
    requestLimits: checkLimits(`${at}.requestLimits`, policy),
    compresses: policy.compress !== false,
  };
}

function refuseUnless(holds: boolean, argument: string, reason: string): void {
  if (!holds) throw coreErrors.INVALID_ARGUMENT({ argument, reason });
}

function checkNumbers(at: string, policy: LogPolicy): void {
  const { maxSizeMb = 1, minSizeMb = 0, maxTotalMb = 0, minFreePercent = 0, keepFiles = 0 } = policy;
  refuseUnless(maxSizeMb > 0, `${at}.maxSizeMb`, 'must be more than 0');
  refuseUnless(minSizeMb >= 0, `${at}.minSizeMb`, 'must be 0 or more');
  refuseUnless(maxTotalMb >= 0, `${at}.maxTotalMb`, 'must be 0 or more');
  refuseUnless(minFreePercent >= 0 && minFreePercent <= 90, `${at}.minFreePercent`, 'must be 0 to 90');
  refuseUnless(Number.isInteger(keepFiles) && keepFiles >= 0, `${at}.keepFiles`, 'must be a whole number, 0 or more');
}

/** Rotating early takes nothing away, unless what is kept goes by the number of files or their room, or the log is copied. */
function checkLimits(at: string, policy: LogPolicy): CheckedLog['requestLimits'] {
  const { keepFiles, maxTotalMb, minFreePercent = 0, method, requestLimits: allowed = {} } = policy;
  const loses = keepFiles !== undefined || maxTotalMb !== undefined || minFreePercent > 0 || method === 'copytruncate';
  const own = loses ? usuallyDue(policy) : { maxSizeMb: 0, maxAgeDays: 0 };
  return {
    maxSizeMb: leastAllowed(`${at}.maxSizeMb`, own.maxSizeMb, allowed.maxSizeMb),
    maxAgeDays: leastAllowed(`${at}.maxAgeDays`, own.maxAgeDays, allowed.maxAgeDays),
  };
}

function checkReopen(at: string, { reopen, method }: LogPolicy): void {
  refuseUnless(!(reopen && method === 'copytruncate'), `${at}.reopen`, 'a log that is copied is not opened anew');
  if (reopen === undefined || typeof reopen === 'function') return;
  const { pid, pidFile, signal = 'SIGHUP' } = reopen;
  refuseUnless((pid === undefined) !== (pidFile === undefined), `${at}.reopen`, 'needs either pid or pidFile');
  refuseUnless(
    ['SIGHUP', 'SIGUSR1', 'SIGUSR2'].includes(signal),
    `${at}.reopen.signal`,
    'must be SIGHUP, SIGUSR1 or SIGUSR2',
  );
  refuseUnless(
    typeof pid !== 'number' || (Number.isSafeInteger(pid) && pid > 1),
    `${at}.reopen.pid`,
    'must be a process’s number',
  );
  if (pidFile !== undefined)
    refuseUnless(
      pidFile.startsWith('/') && !pidFile.includes('\0'),
      `${at}.reopen.pidFile`,
      'must be an absolute path',
    );
}

function checkNaming(at: string, { naming = 'dated' }: LogPolicy, timeZone: string): Naming {
  try {
    wallTime(0, timeZone);
  } catch {
    refuseUnless(false, `${at}.timeZone`, 'there is no such time zone');
  }
  if (naming === 'numbered') return numbered;
  if (naming === 'dated') return dated(standardFormat, 'UTC');
  refuseUnless(
    isDateFormat(naming.format),
    `${at}.naming.format`,
    'must have %Y, %m and %d, or %s; besides %H %M %S and letters, digits, ".", "_", "-"',
  );
  return dated(naming.format, timeZone);
}

function checkCompression(at: string, { compress = {} }: LogPolicy): CheckedLog['compress'] {
  const { codec: name = 'gzip' as CodecName, level, delay = 0 } = compress || {};
  const codec = codecs[name];
  if (!codec)
    throw coreErrors.INVALID_ARGUMENT({
      argument: `${at}.compress.codec`,
      reason: `this version of Node.js has no ${name}; zstd came with 22.15 and 23.8`,
    });
  const { least, most, default: usual } = codec.levels;
  const chosen = level ?? usual;
  refuseUnless(
    Number.isInteger(chosen) && chosen >= least && chosen <= most,
    `${at}.compress.level`,
    `must be ${least} to ${most}`,
  );
  refuseUnless(Number.isInteger(delay) && delay >= 0, `${at}.compress.delay`, 'must be a whole number, 0 or more');
  return { codec, level: chosen, delay };
}
