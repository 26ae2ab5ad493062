import { isDeepStrictEqual } from 'node:util';
import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import type { Channel } from '../verification/channel.js';
import { addressOf } from '../verification/address.js';
import type { Customer } from './customer.js';
import { lockToChange } from './lock.js';
import { runBefore, runInTransaction } from './perform.js';
import type { CommandOptions } from './command-options.js';
import { checkFacts } from './facts.js';
import { profileInput, type Profile, type ProfileDraft } from './profile.js';
import { happened, recordChange } from './record.js';
import { takeTurn } from './turn.js';

/** What is done with a change of a customer's profile besides writing it. */
export interface UpdateWork<Answer> {
  answer: (customer: Customer) => Answer;
  /** Sends a token to an address that is new. */
  issue: (customer: Customer, channel: Channel, trx: StoreTransaction) => Promise<void>;
}

/**
 * Changes what is known of a customer. A new address is not verified, and is sent a token in the place of the one before.
 * What is so already changes nothing.
 */
export async function updateCustomer<Answer>(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customerId: string,
  draft: ProfileDraft,
  { answer, issue }: UpdateWork<Answer>,
  options?: CommandOptions,
): Promise<Answer> {
  const input = readDraft(profileInput, draft);
  const { store, clock } = context;
  const { customers } = store.tenant(identity.tenantId);
  const turn = await takeTurn<Answer>(context, identity, { command: 'update', subject: customerId, input }, options);
  if (turn.first !== undefined) return turn.first;
  const told = { customerId, ...input };
  await runBefore(context, identity, 'customer.update', told);
  return turn.commit(async (trx) => {
    const before = await lockToChange(context, identity.tenantId, customerId, trx);
    const changes = changesOf(before, input);
    const fields = Object.keys(changes);
    if (fields.length === 0) return { answer: answer(before), customer: before };
    if (changes.attributes !== undefined) checkFacts('attributes', before.attributes, changes.attributes);
    if (changes.email !== undefined) {
      const holder = await customers.byEmail(changes.email, trx);
      if (holder && holder.id !== customerId) throw lifecycleErrors.CUSTOMER_EXISTS({ field: 'email' });
    }
    const at = Math.max(clock.now(), before.updatedAt);
    const moved = (['email', 'phone'] as const).filter((channel) => channel in changes);
    const customer: Customer = {
      ...before,
      ...changes,
      ...(moved.includes('email') && { emailVerifiedAt: null }),
      ...(moved.includes('phone') && { phoneVerifiedAt: null }),
      version: before.version + 1,
      updatedAt: at,
    };
    const formerEmail = changes.email === undefined ? null : before.email;
    const data = { fields, unverified: moved, changes, formerEmail, former: formerOf(before, changes) };
    const event = happened(identity, customerId, at, { name: 'customer.updated', data });
    await recordChange(context, before, customer, [event], trx);
    for (const channel of moved) if (addressOf(customer, channel) !== null) await issue(customer, channel, trx);
    await runInTransaction(context, identity, 'customer.update', { customerId, at, input: told, state: customer }, trx);
    return { answer: answer(customer), customer };
  });
}

/** What is otherwise than it was. */
function changesOf(before: Customer, { attributes, ...input }: Profile): Partial<Customer> {
  const merged = Object.fromEntries(
    Object.entries({ ...before.attributes, ...attributes }).filter(([, value]) => value !== null),
  );
  const wanted: Partial<Customer> = { ...input, ...(attributes && { attributes: merged }) };
  const isNew = ([key, value]: [string, unknown]): boolean =>
    value !== undefined && JSON.stringify(value) !== JSON.stringify(before[key as keyof Customer]);
  return Object.fromEntries(Object.entries(wanted).filter(isNew));
}

/** What it is not found by any more, besides an address. */
function formerOf({ firstName, lastName, attributes }: Customer, changes: Partial<Customer>): Partial<Customer> {
  const gone = ([key, value]: [string, unknown]): boolean => !isDeepStrictEqual(value, changes.attributes?.[key]);
  return {
    ...(changes.firstName !== undefined && { firstName }),
    ...(changes.lastName !== undefined && { lastName }),
    ...(changes.attributes && { attributes: Object.fromEntries(Object.entries(attributes).filter(gone)) }),
  };
}
