import { coreErrors } from '@dotmac/core';
import type { Customer } from '../customers/customer.js';
import { longestDays } from '../longest-days.js';
import { whyNoReason } from '../suspension/reasons.js';

/**
 * What a step does: `warn` tells subscribers (`dunning.warned`), `throttle` and `suspend` open the policy's reason,
 * `terminate` deactivates the customer, which has its services taken down.
 */
export type DunningAction = 'warn' | 'throttle' | 'suspend' | 'terminate';

/** A step of a dunning policy. */
export interface DunningStep {
  /** Days of 24 hours since the oldest invoice that is not paid became overdue. */
  afterDays: number;
  action: DunningAction;
}

/** What is done about customers who do not pay. While payment is promised for its reason no step is taken. */
export interface DunningPolicy {
  /** Letters, digits, `_` and `-`, up to 50. */
  readonly name: string;
  /** The reason that it opens and lifts. Default `non_payment`. */
  readonly reason: string;
  /** In the order of their days. */
  readonly steps: readonly DunningStep[];
  /**
   * The least time between two steps, for when nobody ran or an invoice came late: nobody is suspended the minute after
   * they were warned. Default 24 hours.
   */
  readonly leastGapHours: number;
  /**
   * Says why a customer is left alone, e.g. by an attribute; asked before every step, once more under the customer's lock
   * when hooks were asked and the step is taken, a day later again, and when somebody looks at the case. One that throws is
   * asked again for hours, and then leaves the customer alone for a day (`dunning.held`).
   */
  readonly exclude: (customer: Customer) => string | undefined;
}

/** What {@link defineDunningPolicy} takes. */
export type DunningPolicyInit = Pick<DunningPolicy, 'name' | 'steps'> &
  Partial<Pick<DunningPolicy, 'reason' | 'leastGapHours' | 'exclude'>>;

const actions: readonly DunningAction[] = ['warn', 'throttle', 'suspend', 'terminate'];

/**
 * Defines what is done about customers who do not pay.
 * @throws INVALID_ARGUMENT for a bad name, a reason that is none (`all`, `suspend`), no steps, steps that are not in their order, or more than a hundred years
 *
 * @example
 * const dunning = defineDunningPolicy({
 *   name: 'standard',
 *   steps: [
 *     { afterDays: 0, action: 'warn' },
 *     { afterDays: 7, action: 'throttle' },
 *     { afterDays: 14, action: 'suspend' },
 *     { afterDays: 60, action: 'terminate' },
 *   ],
 *   exclude: ({ attributes }) => (attributes['hospital'] ? 'hospitals are never cut off' : undefined),
 * });
 */
export function defineDunningPolicy(init: DunningPolicyInit): DunningPolicy {
  const { name, steps, reason = 'non_payment', leastGapHours = 24, exclude = () => undefined } = init;
  const refuse = (why: string) => coreErrors.INVALID_ARGUMENT({ argument: `dunning policy ${name}`, reason: why });
  if (!/^[A-Za-z0-9_-]{1,50}$/.test(name)) throw refuse('a name is 1 to 50 letters, digits, "_" or "-"');
  const unusable = whyNoReason(reason);
  if (unusable !== undefined) throw refuse(unusable);
  if (steps.length === 0 || steps.length > 20) throw refuse('there are 1 to 20 steps');
  if (!(leastGapHours >= 0 && leastGapHours <= longestDays * 24))
    throw refuse('leastGapHours is not negative, nor more than a hundred years');
  for (const [index, { afterDays, action }] of steps.entries()) {
    const before = steps[index - 1];
    if (!(afterDays >= 0 && afterDays <= longestDays))
      throw refuse(`step ${index + 1} has no afterDays from 0 to ${longestDays}`);
    if (before && (afterDays <= before.afterDays || actions.indexOf(action) < actions.indexOf(before.action)))
      throw refuse(`step ${index + 1} comes later, and is no milder, than the one before`);
  }
  return { name, reason, steps, leastGapHours, exclude };
}
