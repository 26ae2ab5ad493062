import { createHash } from 'node:crypto';
import { coreErrors, isOperationError, type ScopeIdentity, type StoreTransaction } from '@dotmac/core';
import { invalidInput } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { openText, sealText } from '../privacy/vault.js';
import type { KeptAnswer } from '../store/store.js';
import type { Customer } from './customer.js';
import type { CarryOutOptions } from './command-options.js';

/** What a command is recognised by when it is given again. */
export interface TurnAsked {
  command: string;
  /** The id of what it is given to; null when that is to be made. */
  subject: string | null;
  /** The same key with another input is refused. */
  input: unknown;
}

/** What a transaction came to. */
export interface Answered<Answer> {
  answer: Answer;
  /** Whom it is about: an erasure takes the answer away. Null: nobody in particular. */
  customer: Pick<Customer, 'id' | 'erasedAt'> | null;
}

/** A command's turn under its key: to be carried out, or answered already. */
export interface Turn<Answer> {
  /** What its answer is kept under: a hash of actor, command, subject and idempotency key. Undefined: nothing is kept. */
  readonly key: string | undefined;
  /** What was answered first; undefined when the command has still to be carried out. */
  readonly first: Answer | undefined;
  /**
   * Carries the command out in a transaction, in which its answer is kept too. Who is overtaken by another under the same
   * key waits for it, does nothing, and answers the same.
   */
  commit(work: (trx: StoreTransaction) => Promise<Answered<Answer>>): Promise<Answer>;
  /**
   * Takes the turn in the host's transaction before anything of its command is carried out there, for who has to lock
   * something first: what another under the same key answered, if any. Waits for who has it.
   */
  enter(trx: StoreTransaction): Promise<Answer | undefined>;
  /**
   * For who is refused on the way to its turn: what another under the same key was answered meanwhile, for that may be
   * what made it illegal.
   * @throws the refusal, where there is none
   */
  refused(refusal: unknown): Promise<Answer>;
}

/**
 * Looks whether a command was carried out under its key before: the same again is answered as it was then. A key belongs
 * to a tenant, an actor, a command and its subject; a command that failed leaves it free, also where a host swallows that in
 * its own transaction, and commits.
 * @throws IDEMPOTENCY_KEY_REUSED (another input), IDEMPOTENCY_ANSWER_LOST (sealed under a secret that was taken away), INVALID_INPUT (an empty key, or one of over 255 characters)
 */
export async function takeTurn<Answer>(
  context: LifecycleContext,
  { tenantId, actor }: ScopeIdentity,
  { command, subject, input }: TurnAsked,
  { idempotencyKey, onReplay, dryRun, trx: join }: CarryOutOptions = {},
): Promise<Turn<Answer>> {
  const { store, clock } = context;
  if (idempotencyKey === undefined || dryRun)
    return {
      key: undefined,
      first: undefined,
      enter: () => Promise.resolve(undefined),
      commit: (work) => store.transaction(async (trx) => (await work(trx)).answer, join),
      refused: (refusal) => Promise.reject(refusal as Error),
    };
  if (idempotencyKey.length === 0 || idempotencyKey.length > 255)
    throw invalidInput([{ path: 'idempotency_key', message: 'A key is 1 to 255 characters' }]);
  const { answers } = store.tenant(tenantId);
  const [key, fingerprint] = [digest([actor, command, subject, idempotencyKey]), digest(input)];
  const replay = async ({ answer, customerId, ...kept }: KeptAnswer, trx?: StoreTransaction): Promise<Answer> => {
    if (kept.fingerprint !== fingerprint) throw coreErrors.IDEMPOTENCY_KEY_REUSED({});
    const isSealed = answer !== null && customerId !== null;
    const opened = isSealed ? await openText(context, { tenantId, customerId }, answer, key, trx) : answer;
    if (opened === undefined || opened === null) throw coreErrors.IDEMPOTENCY_ANSWER_LOST({});
    onReplay?.();
    return JSON.parse(opened) as Answer;
  };
  const kept = await answers.find(key, clock.now(), join);
  const enter: Turn<Answer>['enter'] = async (trx) => {
    const now = clock.now();
    const claim = { key, fingerprint, keepUntil: now + context.idempotencyRetentionMs };
    const faster = await answers.claim(claim, now, trx);
    return faster && replay(faster, trx);
  };
  const commit: Turn<Answer>['commit'] = (work) =>
    store.transaction(async (trx) => {
      const faster = await enter(trx);
      if (faster !== undefined) return faster;
      const { answer, customer } = await work(trx);
      const text = JSON.stringify(answer);
      const customerId = customer?.id ?? null;
      // Nothing of an erased customer's is to be sealed, and its key is not to come back.
      const isSealed = customerId !== null && customer?.erasedAt === null;
      const kept = isSealed ? await sealText(context, { tenantId, customerId }, text, key, trx) : text;
      await answers.keep(key, { customerId, answer: kept }, trx);
      return answer;
    }, join);
  return {
    key,
    first: kept && (await replay(kept, join)),
    enter,
    commit,
    refused(refusal) {
      const refuse = () => Promise.reject(refusal as Error);
      // What broke may have broken the host's transaction, too.
      return join && !isOperationError(refusal) ? refuse() : commit(refuse);
    },
  };
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
