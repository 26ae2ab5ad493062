import type { LogPolicy } from './log-policy.js';

/** Which logs are due by size and age, when a request does not say: as the policy does, else as is usual without a calendar. */
export function usuallyDue({ every, maxSizeMb, maxAgeDays }: Pick<LogPolicy, 'every' | 'maxSizeMb' | 'maxAgeDays'>): {
  maxSizeMb: number | undefined;
  maxAgeDays: number | undefined;
} {
  if (every !== undefined) return { maxSizeMb, maxAgeDays };
  return { maxSizeMb: maxSizeMb ?? 10, maxAgeDays: maxAgeDays ?? 30 };
}
