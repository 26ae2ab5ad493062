import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Customer, CustomerView } from '../customers/customer.js';
import { viewOf } from '../customers/next-actions.js';
import { perform } from '../customers/perform.js';
import type { CommandOptions, JoinOptions } from '../customers/command-options.js';
import type { DecideWithin, Step } from '../customers/step.js';
import { takeTurn } from '../customers/turn.js';
import { transitionFor } from '../customers/transitions.js';
import { lifecycleErrors } from '../errors.js';
import type { StoredToken } from '../store/store.js';
import type { Channel } from './channel.js';
import { addressOf, bindingOf } from './address.js';
import { issueToken } from './issue.js';
import { countBeside, markOf } from './attempt.js';
import { askByAddress } from './resend.js';
import { verified } from './verified.js';
import {
  addressInput,
  resendInput,
  verificationInput,
  type AddressDraft,
  type ResendDraft,
  type VerificationDraft,
} from './verification.js';

/** Wrong tokens before one is locked. */
const maxAttempts = 5;

/** Verifies one tenant's customers. */
export interface VerificationService {
  /**
   * Consumes a token. The first one verified moves the customer on to `verification`.
   *
   * The attempt is counted, and that committed, before anything is compared; so it stays counted whatever becomes of a
   * `trx` of the host's: beside it where there is a connection for that, else in it, and beside it once it is over, as
   * one, or as two if another attempt was counted in between. To give a token again under the `idempotencyKey` of the
   * attempt before is the same attempt, at once or after a crash.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, VERIFICATION_FAILED, VERIFICATION_LOCKED
   */
  verify(customerId: string, draft: VerificationDraft, options?: CommandOptions): Promise<CustomerView>;
  /**
   * Sends a new token; the one before is void from then on.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, CHANNEL_MISSING, VERIFICATION_RESEND_LIMITED
   */
  resend(customerId: string, draft?: ResendDraft, options?: JoinOptions): Promise<{ message: string }>;
  /**
   * Sends a new token to whoever has this email address, if anybody has, it is not verified, and it had not its share.
   * The answer is the same for every address, and takes as long.
   */
  resendTo(draft: AddressDraft): Promise<{ message: string }>;
}

/** The verification of one scope. */
export function verificationService(context: LifecycleContext, identity: ScopeIdentity): VerificationService {
  const { store, clock, checklist, keyring } = context;
  const { customers, tokens } = store.tenant(identity.tenantId);

  const getCustomer = async (customerId: string, channel: Channel, trx?: StoreTransaction): Promise<Customer> => {
    const customer = await customers.get(customerId, trx);
    if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
    transitionFor(customer, 'verify', { channel }, checklist);
    return customer;
  };
  /** One answer for wrong, expired, consumed, superseded and never issued: none of them can be told from another. */
  const failed = () => {
    const message = 'This token is not valid, or not any more';
    return lifecycleErrors.VERIFICATION_FAILED({}, { issues: [{ path: 'verification_token', message }] });
  };
  /** The token that was counted, if this is it. @throws VERIFICATION_FAILED, VERIFICATION_LOCKED */
  const judge = (customer: Customer, token: string, counted: StoredToken | undefined): StoredToken => {
    if (!counted) throw failed();
    if (counted.attempts > maxAttempts) throw lifecycleErrors.VERIFICATION_LOCKED({});
    const matches = keyring.matches(token, bindingOf(customer, counted.channel, counted.id), counted);
    if (!matches || counted.consumedAt !== null || counted.expiresAt <= clock.now()) throw failed();
    return counted;
  };

  return {
    async verify(customerId, draft, options = {}) {
      const input = readDraft(verificationInput, draft);
      const { verificationToken, verificationType: channel, additionalData } = input;
      const asked = { command: 'verify', subject: customerId, input };
      const turn = await takeTurn<CustomerView>(context, identity, asked, options);
      if (turn.first) return turn.first;
      const { trx: join } = options;
      const attempt = { customerId, channel, mark: markOf(keyring, turn, verificationToken) };
      let kept: StoredToken;
      try {
        const customer = await getCustomer(customerId, channel, join);
        let counted = await countBeside(context, identity.tenantId, attempt, join);
        if (!counted && join) {
          // Turn, customer, token: who carries a command out takes them in this order, too.
          const faster = await turn.enter(join);
          if (faster) return faster;
          await customers.lock(customerId, join);
          counted = await tokens.countAttempt(customerId, channel, attempt.mark, join);
        }
        kept = judge(customer, verificationToken, counted);
      } catch (error) {
        return turn.refused(error);
      }
      const decideWithin: DecideWithin = async (before, transition, { at, trx }) => {
        // Read without a lock before hooks were asked, the address may be another by now, and have been sent no token yet.
        const isBound = keyring.matches(verificationToken, bindingOf(before, channel, kept.id), kept);
        if (!isBound || !(await tokens.consume(kept, at, trx))) throw failed();
        return verified({ channel, additionalData }, before, transition, at);
      };
      const step: Step = {
        command: 'verify',
        input: { channel, additionalData },
        facts: () => ({ channel }),
        decideWithin,
      };
      const view = (after: Customer): CustomerView => viewOf(after, checklist, clock.now());
      return perform(context, identity, customerId, [step], view, { ...options, turn });
    },
    async resendTo(draft) {
      await askByAddress(context, identity, readDraft(addressInput, draft).email);
      return { message: 'If there is something to verify for this address, a new token is on its way.' };
    },
    async resend(customerId, draft = {}, { trx: join } = {}) {
      const { channel } = readDraft(resendInput, draft);
      await store.transaction(async (trx) => {
        const customer = await customers.lock(customerId, trx);
        if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
        transitionFor(customer, 'verify', { channel }, checklist);
        if (addressOf(customer, channel) === null) throw lifecycleErrors.CHANNEL_MISSING({ channel });
        await issueToken(context, identity, customer, channel, trx);
      }, join);
      return { message: `A new token is on its way by ${channel}.` };
    },
  };
}
