import type { DeliveryContext, DomainEvent } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { legalCommands } from '../customers/transitions.js';
import type { DeliverySchemas } from '../events.js';
import { addressOf, bindingOf } from './address.js';
import { linkPath } from './link.js';
import type { SendVerification } from './sender.js';

/** The outbox subscriber that hands tokens to the host. */
export const senderSubscriber = 'send-verification';

/** Hands a token to the host, unless it is good for nothing any more. */
export async function sendToken(
  { store, keyring, clock, logger }: Pick<LifecycleContext, 'store' | 'keyring' | 'clock' | 'logger'>,
  send: SendVerification,
  { tenantId, subject: customerId, data }: DomainEvent<DeliverySchemas, 'verification.issued'>,
  delivery: DeliveryContext,
): Promise<void> {
  const { customers, tokens } = store.tenant(tenantId);
  const { channel, tokenId, sealed } = data;
  // By reads that those who are delivered to at the same time share.
  const [standing, kept] = await Promise.all([customers.standing(customerId), tokens.get(customerId, channel)]);
  const customer = standing?.customer;
  const address = customer && addressOf(customer, channel);
  if (!customer || !legalCommands(customer.stage).includes('verify')) return;
  if (!address || kept?.id !== tokenId || kept.consumedAt !== null || kept.expiresAt <= clock.now()) return;
  const token = keyring.unseal(sealed, bindingOf(customer, channel, tokenId));
  if (token === undefined) {
    // Its key went with an earlier process, or the address changed: only a new token helps.
    logger.error({ tenantId, customerId, channel }, 'a verification token cannot be unsealed and was not sent');
    return;
  }
  const { username, firstName, lastName } = customer;
  const message = {
    tenantId,
    customerId,
    channel,
    address,
    token,
    path: token.length > 6 ? linkPath({ tenantId, customerId, token }) : null,
    expiresAt: kept.expiresAt,
    username,
    firstName,
    lastName,
  };
  await send(message, { deliveryId: delivery.deliveryId, attempt: delivery.attempt, signal: delivery.signal });
}
