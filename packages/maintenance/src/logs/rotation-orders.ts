import type { CheckedLog } from '../policies/check-log.js';
import { usuallyDue } from '../policies/usually-due.js';
import type { RotationOrders } from './orders.js';

const [dayMs, megabyte] = [86_400_000, 1_048_576];

/** What a request may say to a rotation. */
export interface RotationRequest {
  maxSizeMb?: number | undefined;
  maxAgeDays?: number | undefined;
  compressOldLogs?: boolean | undefined;
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
