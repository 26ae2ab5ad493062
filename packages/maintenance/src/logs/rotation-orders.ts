import type { CheckedLog } from '../policies/check-log.js';
import type { LogPolicy } from '../policies/log-policy.js';
import type { RotationOrders } from './orders.js';

const [dayMs, megabyte] = [86_400_000, 1_048_576];

/** What a request may say to a rotation. */
export interface RotationRequest {
  maxSizeMb?: number | undefined;
  maxAgeDays?: number | undefined;
  compressOldLogs?: boolean | undefined;
}

/** Which logs are due by size and age, when a request does not say: as the policy does, else as is usual without a calendar. */
export function usuallyDue({ every, maxSizeMb, maxAgeDays }: Pick<LogPolicy, 'every' | 'maxSizeMb' | 'maxAgeDays'>): {
  maxSizeMb: number | undefined;
  maxAgeDays: number | undefined;
} {
  if (every !== undefined) return { maxSizeMb, maxAgeDays };
  return { maxSizeMb: maxSizeMb ?? 10, maxAgeDays: maxAgeDays ?? 30 };
}

/** What is to be done: as the request says, else as is usual for the policy. */
export function rotationOrders(policy: CheckedLog, request: RotationRequest, asOf: number): RotationOrders {
  const usual = usuallyDue(policy);
  const { maxSizeMb = usual.maxSizeMb, maxAgeDays = usual.maxAgeDays } = request;
  const { every, timeZone, rotateEmpty, minSizeMb, retentionDays, keepFiles, maxTotalMb } = policy;
  return {
    due: {
      maxBytes: maxSizeMb === undefined ? undefined : maxSizeMb * megabyte,
      minBytes: minSizeMb * megabyte,
      cutoff: maxAgeDays === undefined ? undefined : asOf - maxAgeDays * dayMs,
      every,
      timeZone,
      rotateEmpty,
      asOf,
    },
    keep: {
      cutoff: retentionDays === undefined ? undefined : asOf - retentionDays * dayMs,
      files: keepFiles,
      maxBytes: maxTotalMb === undefined ? undefined : maxTotalMb * megabyte,
    },
    compress: (request.compressOldLogs ?? policy.compresses) ? policy.compress : null,
  };
}
