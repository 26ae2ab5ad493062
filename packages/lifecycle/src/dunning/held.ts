import type { Customer } from '../customers/customer.js';
import type { DunningPolicy } from './policy.js';

/** What keeps a step from being taken. */
export interface HeldBy {
  by: 'promise' | 'exclusion';
  /** In words. */
  reason: string;
  /** The end of the promise (epoch ms). Null: as long as the customer is excluded. */
  until: number | null;
}

/** What is said of a step that waits for the end of a promise. */
export const promisedWords = 'Payment is promised';

/** Until when a customer promised to pay what a policy asks for (epoch ms); undefined: at this time nothing is promised. */
export function promisedUntil({ reason }: DunningPolicy, { blocks }: Customer, at: number): number | undefined {
  const until = blocks.find((block) => block.reason === reason)?.promisedUntil ?? 0;
  return until > at ? until : undefined;
}

/** What will hold a step that is due at some time, as far as it is known now; null: nothing. */
export function heldBy(policy: DunningPolicy, customer: Customer, dueAt: number): HeldBy | null {
  const until = promisedUntil(policy, customer, dueAt);
  if (until !== undefined) return { by: 'promise', reason: promisedWords, until };
  try {
    const reason = policy.exclude(customer);
    return reason === undefined ? null : { by: 'exclusion', reason, until: null };
  } catch {
    // The step asks again, for hours.
    return null;
  }
}
