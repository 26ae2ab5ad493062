import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { perform } from '../customers/perform.js';
import type { Step } from '../customers/step.js';
import { lifecycleErrors } from '../errors.js';
import type { Channel } from './channel.js';
import { addressOf } from './address.js';
import { verified } from './verified.js';

/**
 * Verifies as if the right token had been given, and undoes it. No token is looked at, so that nobody finds one out by it.
 * @throws Undo with what it came to, CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, CHANNEL_MISSING
 */
export async function tryVerification(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customerId: string,
  channel: Channel,
): Promise<unknown> {
  const step: Step = {
    command: 'verify',
    input: { channel, additionalData: {} },
    facts: () => ({ channel }),
    decide(customer, transition, { at }) {
      if (addressOf(customer, channel) === null) throw lifecycleErrors.CHANNEL_MISSING({ channel });
      return verified({ channel, additionalData: {} }, customer, transition, at);
    },
  };
  return perform(context, identity, customerId, [step], () => undefined, { dryRun: true });
}
