import { checkNumber } from './allow-list.js';

const most = 1_000_000_000;

/**
 * The least that a request may say of a field of which more is more careful: what the policy says, or the less that the
 * host allows. Infinity where the policy does not go by it, and the host allows nothing.
 * @throws INVALID_ARGUMENT when `allowed` is no number from 0 to what the policy says
 */
export function leastAllowed(argument: string, own = Infinity, allowed = own): number {
  if (allowed !== own) checkNumber(argument, allowed, 0, Math.min(own, most));
  return allowed;
}

/**
 * The most that a request may say of a field of which less is more careful; 0 where the policy does not go by it.
 * @param utmost that any policy may say
 * @throws INVALID_ARGUMENT when `allowed` is no number from what the policy says to `utmost`
 */
export function mostAllowed(argument: string, utmost: number, own = 0, allowed = own): number {
  if (allowed !== own) checkNumber(argument, allowed, own, utmost);
  return allowed;
}
