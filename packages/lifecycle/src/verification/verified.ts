import type { Customer } from '../customers/customer.js';
import type { Decision } from '../customers/step.js';
import type { Transition } from '../customers/transitions.js';
import type { Channel } from './channel.js';

/** What was verified, and what the customer said with it. */
export interface Verified {
  channel: Channel;
  additionalData: Record<string, unknown>;
}

/** What a verified address changes, whoever has shown that it is the customer's. */
export function verified(
  { channel, additionalData }: Verified,
  { stage: from }: Customer,
  { to }: Transition,
  at: number,
): Decision {
  return {
    patch: channel === 'email' ? { emailVerifiedAt: at } : { phoneVerifiedAt: at },
    event: { name: 'customer.verified', data: { from, to, channel, additionalData } },
  };
}
