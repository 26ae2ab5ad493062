import type { Customer } from '../customers/customer.js';
import type { Channel } from './channel.js';
import type { TokenBinding } from './keyring.js';

/** Where a channel leads; null when the customer has none. */
export function addressOf({ email, phone }: Customer, channel: Channel): string | null {
  return channel === 'email' ? email : phone;
}

/** What a customer's token is bound to. */
export function bindingOf(customer: Customer, channel: Channel, tokenId: string): TokenBinding {
  const { tenantId, id: customerId } = customer;
  return { tenantId, customerId, channel, address: addressOf(customer, channel) ?? '', tokenId };
}
