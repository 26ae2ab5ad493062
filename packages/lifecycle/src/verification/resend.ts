import { isOperationError, type DomainEvent, type ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { legalCommands, transitionFor } from '../customers/transitions.js';
import { deliveries, type DeliverySchemas } from '../events.js';
import { issueToken } from './issue.js';
import type { Keyring } from './keyring.js';

/** The outbox subscriber that looks up who is meant by an address. */
export const resendSubscriber = 'resend-verification';

/** What an asked-for address is sealed for: nothing but this. */
const sealedFor = (tenantId: string) =>
  ({ tenantId, customerId: '', channel: 'email', address: '', tokenId: resendSubscriber }) as const;

/** What those who ask by an address are told by in the outbox, which does not say it, under any secret that is known. */
export function subjectsOfAsking(keyring: Keyring, email: string): string[] {
  return keyring.signatures(`asked ${email.toLowerCase()}`);
}

/**
 * Notes that somebody asked for a token by an address. Who has it, if anybody, is looked up after the answer: nothing of
 * the answer, nor the time that it takes, tells.
 */
export async function askByAddress(
  { store, keyring, clock }: LifecycleContext,
  identity: ScopeIdentity,
  email: string,
): Promise<void> {
  const { tenantId } = identity;
  const [subject = ''] = subjectsOfAsking(keyring, email);
  const data = { sealed: keyring.seal(email, sealedFor(tenantId)) };
  const event = deliveries.create('verification.asked', { ...identity, subject, at: clock.now(), data });
  await store.outbox.append([{ subscriber: resendSubscriber, event: deliveries.encode(event) }]);
}

/** Sends a token to whoever has the address that was asked for, where one may be had. */
export async function answerByAddress(
  context: LifecycleContext,
  { tenantId, actor, data }: DomainEvent<DeliverySchemas, 'verification.asked'>,
): Promise<void> {
  const { store, keyring } = context;
  const { customers } = store.tenant(tenantId);
  const email = keyring.unseal(data.sealed, sealedFor(tenantId));
  const known = email === undefined ? undefined : await customers.byEmail(email);
  if (!known) return;
  await store
    .transaction(async (trx) => {
      const customer = await customers.lock(known.id, trx);
      if (!customer || !legalCommands(customer.stage).includes('verify')) return;
      transitionFor(customer, 'verify', { channel: 'email' }, context.checklist);
      await issueToken(context, { tenantId, actor }, customer, 'email', trx);
    })
    .catch((error: unknown) => {
      // There is nothing to verify, or the address had its share: nobody is told.
      if (!isOperationError(error, 'ILLEGAL_TRANSITION') && !isOperationError(error, 'VERIFICATION_RESEND_LIMITED'))
        throw error;
    });
}
