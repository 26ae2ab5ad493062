import { coreErrors } from '@dotmac/core';
import { checkDays, checkRoot } from './allow-list.js';
import type { DirectoryPolicy } from './directory-policy.js';
import { leastAllowed, mostAllowed } from './request-limits.js';

/** A directory policy, checked, with its defaults. */
export type CheckedDirectory = DirectoryPolicy &
  Required<Pick<DirectoryPolicy, 'owners' | 'minAgeMinutes' | 'ageBy' | 'exclude' | 'links' | 'maxShare'>> & {
    requestLimits: Required<NonNullable<DirectoryPolicy['requestLimits']>>;
  };

/**
 * Checks it and fills its defaults.
 * @param defaultShare of the files, that may go in one run without being confirmed
 * @throws INVALID_ARGUMENT naming the policy and what is wrong with it
 */
export function checkDirectory(kind: string, policy: DirectoryPolicy, defaultShare: number): CheckedDirectory {
  const at = `${kind}.${policy.name}`;
  const refuseUnless = (holds: boolean, field: keyof DirectoryPolicy, reason: string): void => {
    if (!holds) throw coreErrors.INVALID_ARGUMENT({ argument: `${at}.${field}`, reason });
  };
  const { maxSizeMb, minFreePercent, minAgeMinutes = 60, ageBy = ['access', 'modification'] } = policy;
  const { exclude = [], maxShare = defaultShare, requestLimits: allowed = {} } = policy;
  const limitsAt = `${at}.requestLimits`;
  const forRoom = maxSizeMb !== undefined || minFreePercent !== undefined;
  const { maxAgeDays = forRoom ? undefined : 7 } = policy;
  if (maxAgeDays !== undefined) checkDays(`${at}.maxAgeDays`, maxAgeDays, 0);
  refuseUnless(maxSizeMb === undefined || maxSizeMb >= 0, 'maxSizeMb', 'must be 0 or more');
  refuseUnless(
    minFreePercent === undefined || (minFreePercent >= 0 && minFreePercent <= 90),
    'minFreePercent',
    'must be 0 to 90',
  );
  refuseUnless(minAgeMinutes >= 0, 'minAgeMinutes', 'must be 0 or more');
  refuseUnless(
    ageBy.length > 0 && ageBy.every((it) => ['access', 'modification', 'change'].includes(it)),
    'ageBy',
    'must have access, modification or change',
  );
  refuseUnless(
    exclude.every((it) => it.length > 0 && it.length <= 256),
    'exclude',
    'patterns are 1 to 256 characters',
  );
  refuseUnless(maxShare > 0 && maxShare <= 1, 'maxShare', 'must be more than 0, and 1 at most');
  return {
    owners: [],
    links: false,
    ...policy,
    ...(maxAgeDays !== undefined && { maxAgeDays }),
    minAgeMinutes,
    ageBy,
    exclude,
    maxShare,
    requestLimits: {
      maxAgeDays: leastAllowed(`${limitsAt}.maxAgeDays`, maxAgeDays, allowed.maxAgeDays),
      maxSizeMb: leastAllowed(`${limitsAt}.maxSizeMb`, maxSizeMb, allowed.maxSizeMb),
      minFreePercent: mostAllowed(`${limitsAt}.minFreePercent`, 90, minFreePercent, allowed.minFreePercent),
    },
    directory: checkRoot(`${at}.directory`, policy.directory),
  };
}
