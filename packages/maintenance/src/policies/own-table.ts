import { checkDays } from './allow-list.js';
import type { RetentionPolicy } from './policy.js';

/** A policy for a table of dotmac's own, but for what all of these have. */
export type OwnTable = Omit<RetentionPolicy, 'database' | 'tenants'>;

/** @throws INVALID_ARGUMENT for less than a day; what is kept for ever is fine */
export function checkKept(domain: string, days: Readonly<Record<string, number>>): void {
  for (const [name, its] of Object.entries(days))
    if (its !== Infinity) checkDays(`dotmacRetention.${domain}.${name}`, its, 1);
}
