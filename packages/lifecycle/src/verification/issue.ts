import { newId, type OperationError, type OutboxEntry, type ScopeIdentity, type StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { lifecycleErrors } from '../errors.js';
import { deliveries } from '../events.js';
import type { StoredToken } from '../store/store.js';
import { addressOf, bindingOf } from './address.js';
import { channel as channelName, type Channel } from './channel.js';
import { newToken, type TokenKind } from './keyring.js';
import { countForAddresses } from './quota.js';
import { senderSubscriber } from './send.js';

/** How long a token is good for. */
const lifetimesMs: Record<TokenKind, number> = { link: 24 * 3_600_000, code: 10 * 60_000 };
const windowMs = 3_600_000;
/** Tokens of one channel in an hour: with five attempts each, what bounds the guessing of a six-digit code. */
const issuesPerWindow = 5;

/**
 * Issues a token in the place of the one before, and puts it sealed into the outbox, in the transaction given.
 * @throws VERIFICATION_RESEND_LIMITED
 */
export async function issueToken(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customer: Customer,
  channel: Channel,
  trx: StoreTransaction,
): Promise<void> {
  const { tokens } = context.store.tenant(identity.tenantId);
  const now = context.clock.now();
  const last = await tokens.get(customer.id, channel, trx);
  const isOpen = last !== undefined && now < last.windowStartedAt + windowMs;
  if (isOpen && last.issued >= issuesPerWindow)
    throw lifecycleErrors.VERIFICATION_RESEND_LIMITED(
      { limit: issuesPerWindow },
      { retryAfter: Math.ceil((last.windowStartedAt + windowMs - now) / 1_000) },
    );
  const window = isOpen ? { issued: last.issued, windowStartedAt: last.windowStartedAt } : {};
  const { refusals, sending } = await issueWithin(context, identity, [{ customer, channel, ...window }], now, trx);
  if (refusals[0]) throw refusals[0];
  await context.store.outbox.append(sending, trx);
}

/**
 * Issues the first tokens of customers, for each of their addresses that has not had its share.
 * @returns what has them sent, for the outbox
 */
export async function issueFirstTokens(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customers: readonly Customer[],
  trx: StoreTransaction,
): Promise<OutboxEntry[]> {
  const wanted = customers.flatMap((customer) =>
    channelName.options.flatMap((channel) => (addressOf(customer, channel) === null ? [] : { customer, channel })),
  );
  // Who is refused can ask again later, and nothing else waits for that.
  return (await issueWithin(context, identity, wanted, context.clock.now(), trx)).sending;
}

/** A token to be issued, and how many there were in an hour that is not over. */
interface Wanted extends Partial<Pick<StoredToken, 'issued' | 'windowStartedAt'>> {
  customer: Customer;
  channel: Channel;
}

/** What each that was wanted is refused for, and what has the others sent. */
interface Issued {
  refusals: (OperationError | undefined)[];
  sending: OutboxEntry[];
}

/** Issues tokens, as far as their addresses have not had their share. */
async function issueWithin(
  { store, keyring, sendsVerification, emailTokens }: LifecycleContext,
  identity: ScopeIdentity,
  wanted: readonly Wanted[],
  now: number,
  trx: StoreTransaction,
): Promise<Issued> {
  const { tokens } = store.tenant(identity.tenantId);
  const addresses = wanted.map(({ customer, channel }) => ({ channel, address: addressOf(customer, channel) ?? '' }));
  const refusals = await countForAddresses({ tokens, keyring }, addresses, now, trx);
  const made: StoredToken[] = [];
  const sending: OutboxEntry[] = [];
  for (const [index, { customer, channel, issued = 0, windowStartedAt = now }] of wanted.entries()) {
    if (refusals[index]) continue;
    const kind = channel === 'email' ? emailTokens : 'code';
    const [token, tokenId] = [newToken(kind), newId()];
    const binding = bindingOf(customer, channel, tokenId);
    made.push({
      customerId: customer.id,
      channel,
      id: tokenId,
      ...keyring.hash(token, binding),
      attempts: 0,
      attemptMark: null,
      issuedAt: now,
      expiresAt: now + lifetimesMs[kind],
      consumedAt: null,
      issued: issued + 1,
      windowStartedAt,
    });
    if (!sendsVerification) continue;
    const data = { channel, tokenId, sealed: keyring.seal(token, binding) };
    const event = deliveries.create('verification.issued', { ...identity, subject: customer.id, at: now, data });
    sending.push({ subscriber: senderSubscriber, event: deliveries.encode(event) });
  }
  await tokens.put(made, trx);
  return { refusals, sending };
}
