import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Customer, CustomerView } from '../customers/customer.js';
import { lockToChange } from '../customers/lock.js';
import { viewOf } from '../customers/next-actions.js';
import { perform, runBefore, runInTransaction } from '../customers/perform.js';
import type { CommandOptions } from '../customers/command-options.js';
import type { DecideWithin, Step } from '../customers/step.js';
import { takeTurn } from '../customers/turn.js';
import { happened, recordChange, type PendingEvent } from '../customers/record.js';
import { lifecycleErrors } from '../errors.js';
import { eraseCustomer } from './erase.js';
import { eraseInput, type EraseDraft } from './erase-input.js';
import { exportLines } from './export.js';
import type { ExportLine } from './export-line.js';
import { holdInput, viewOfHold, type HoldDraft, type HoldView, type LegalHold } from './hold.js';

/** What one tenant's customers may ask for: to see what is held on them, and to have it gone. */
export interface PrivacyService {
  /**
   * All that is held on a customer, line by line; the last one is `end`. It is read while it is taken.
   * @throws CUSTOMER_NOT_FOUND
   */
  export(customerId: string): Promise<AsyncIterable<ExportLine>>;
  /**
   * Takes everything personal away, for good: columns, words, facts, configurations. Which stages a customer went
   * through and when, and what it counts to, stays. Its services must be gone, and nothing may hold it. Hooks of
   * `customer.erase` can erase the host's own tables in the same transaction.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (it is neither inactive nor deleted), LEGAL_HOLD, SERVICES_REMAIN
   */
  erase(customerId: string, draft?: EraseDraft, options?: CommandOptions): Promise<CustomerView>;
  /** What keeps a customer from being erased, oldest first. @throws CUSTOMER_NOT_FOUND */
  holds(customerId: string): Promise<HoldView[]>;
  /**
   * Keeps a customer from being erased; several matters at once, each lifted by itself. Setting one again leaves it as
   * it is.
   * @throws CUSTOMER_NOT_FOUND, CUSTOMER_ERASED, HOLD_LIMIT
   */
  setHold(customerId: string, draft: HoldDraft, options?: CommandOptions): Promise<HoldView>;
  /** Lifts a hold; content to find none. @throws CUSTOMER_NOT_FOUND, CUSTOMER_ERASED */
  liftHold(customerId: string, name: string, options?: CommandOptions): Promise<{ message: string }>;
}

/** A hold that was set or lifted. */
interface HoldChange {
  hold: LegalHold;
  event: PendingEvent;
}

/** Holds that one customer may have. */
const mostHolds = 50;

/** The privacy of one scope. */
export function privacyService(context: LifecycleContext, identity: ScopeIdentity): PrivacyService {
  const { store, clock, checklist } = context;
  const { customers, privacy } = store.tenant(identity.tenantId);
  const read = async (customerId: string): Promise<Customer> => {
    const customer = await customers.get(customerId);
    if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
    return customer;
  };
  /** Changes a customer's holds under its lock; what happened goes to its history. */
  const change = async <Result>(
    customerId: string,
    { command, input }: { command: 'setHold' | 'liftHold'; input: object },
    options: CommandOptions | undefined,
    work: (at: number, trx: StoreTransaction) => Promise<{ result: Result; changed?: HoldChange }>,
  ): Promise<Result> => {
    const turn = await takeTurn<Result>(context, identity, { command, subject: customerId, input }, options);
    if (turn.first !== undefined) return turn.first;
    const hook = `customer.${command}` as const;
    const told = { customerId, ...input };
    await runBefore(context, identity, hook, told);
    return turn.commit(async (trx) => {
      const customer = await lockToChange(context, identity.tenantId, customerId, trx);
      const at = Math.max(clock.now(), customer.updatedAt);
      const { result, changed } = await work(at, trx);
      if (!changed) return { answer: result, customer };
      const { event, hold } = changed;
      const after = { ...customer, version: customer.version + 1, updatedAt: at };
      await recordChange(context, customer, after, [happened(identity, customerId, at, event)], trx);
      const state = { customer: after, hold };
      await runInTransaction(context, identity, hook, { customerId, at, input: told, state }, trx);
      return { answer: result, customer };
    });
  };

  return {
    export: async (customerId) => exportLines(context, await read(customerId)),
    async erase(customerId, draft = {}, options) {
      const { reference } = readDraft(eraseInput, draft);
      const decideWithin: DecideWithin = (customer, transition, moment) =>
        eraseCustomer(context, customer, transition, reference, moment);
      const step: Step = { command: 'erase', input: { reference }, decideWithin };
      const view = (erased: Customer): CustomerView => viewOf(erased, checklist, clock.now());
      return perform(context, identity, customerId, [step], view, options);
    },
    async holds(customerId) {
      await read(customerId);
      return (await privacy.holds(customerId)).map(viewOfHold);
    },
    async setHold(customerId, draft, options) {
      const input = readDraft(holdInput, draft);
      const { name, note } = input;
      return change(customerId, { command: 'setHold', input }, options, async (at, trx) => {
        const holds = await privacy.holds(customerId, trx);
        const kept = holds.find((hold) => hold.name === name);
        if (kept) return { result: viewOfHold(kept) };
        if (holds.length >= mostHolds) throw lifecycleErrors.HOLD_LIMIT({ limit: mostHolds });
        const hold: LegalHold = { customerId, name, note, setBy: identity.actor, setAt: at };
        await privacy.setHold(hold, trx);
        const event = { name: 'customer.hold_set', data: { hold: name, note } } as const;
        return { result: viewOfHold(hold), changed: { hold, event } };
      });
    },
    liftHold(customerId, name, options) {
      return change(customerId, { command: 'liftHold', input: { name } }, options, async (_, trx) => {
        const result = { message: `There is no hold ${name} any more.` };
        const hold = (await privacy.holds(customerId, trx)).find((kept) => kept.name === name);
        if (!hold) return { result };
        await privacy.liftHold(customerId, name, trx);
        return { result, changed: { hold, event: { name: 'customer.hold_lifted', data: { hold: name } } } };
      });
    },
  };
}
