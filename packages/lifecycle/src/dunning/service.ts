import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { lockToChange } from '../customers/lock.js';
import type { JoinOptions } from '../customers/command-options.js';
import type { Moment } from '../customers/moment.js';
import { lifecycleErrors } from '../errors.js';
import { hooksOf } from '../hooks.js';
import { suspensionService } from '../suspension/service.js';
import { changeTimers } from '../timers/change.js';
import { writtenInstant } from '../written-instant.js';
import {
  overdueInput,
  paidInput,
  viewOfCase,
  type DunningCase,
  type DunningView,
  type OverdueDraft,
  type PaidDraft,
} from './case.js';
import type { DunningPolicy } from './policy.js';
import { recordDunning } from './record.js';
import { dunningTimer, paidTimer, scheduleStep } from './schedule.js';

/** Invoices of one customer that are kept at once. */
const mostInvoices = 500;

/** What is done about one tenant's customers who do not pay; driven by the host's billing. */
export interface DunningService {
  /**
   * An invoice became overdue: the first one opens a case, whose steps are taken at their times. Saying it again changes
   * nothing.
   * @throws CUSTOMER_NOT_FOUND, CUSTOMER_ERASED, DUNNING_POLICY_NOT_FOUND, INVOICE_LIMIT
   */
  overdue(customerId: string, draft: OverdueDraft, options?: JoinOptions): Promise<DunningView>;
  /**
   * An invoice, or everything, is paid. The last one closes the case and lifts its reason, unless a case of another policy
   * is open that has the same reason: then that one does, with its last. One of several leaves what was
   * done as it is, and counts the steps to come from the oldest that is left. Unknown invoices change nothing.
   * @throws CUSTOMER_NOT_FOUND, CUSTOMER_ERASED, DUNNING_POLICY_NOT_FOUND
   */
  paid(customerId: string, draft?: PaidDraft, options?: JoinOptions): Promise<DunningView>;
  /** Where a customer is, by policy. @throws CUSTOMER_NOT_FOUND */
  get(customerId: string): Promise<DunningView[]>;
}

/** The policy of a name; without one, the first. @throws DUNNING_POLICY_NOT_FOUND */
function policyNamed({ dunning }: LifecycleContext, name?: string): DunningPolicy {
  const policy = name === undefined ? dunning[0] : dunning.find((each) => each.name === name);
  if (!policy) throw lifecycleErrors.DUNNING_POLICY_NOT_FOUND({ policy: name ?? '' });
  return policy;
}

/** The dunning of one scope. */
export function dunningService(context: LifecycleContext, identity: ScopeIdentity): DunningService {
  const { store, clock, dunning } = context;
  const { customers, dunningCases, timers } = store.tenant(identity.tenantId);
  const view = async (
    policy: DunningPolicy,
    kept: DunningCase | undefined,
    customer: Customer,
    trx?: StoreTransaction,
  ): Promise<DunningView> => {
    const set = await timers.listFor(customer.id, trx);
    return viewOfCase(
      policy,
      kept,
      customer,
      set.find(({ name }) => name === dunningTimer(policy.name)),
    );
  };
  /** Does a case of another policy have the reason of this one? */
  const isAskedBesides = async (
    customerId: string,
    { name, reason }: DunningPolicy,
    trx: StoreTransaction,
  ): Promise<boolean> => {
    for (const other of dunning)
      if (other.name !== name && other.reason === reason && (await dunningCases.get(customerId, other.name, trx)))
        return true;
    return false;
  };

  /**
   * Lifts the reason of a policy, with the payment. Hooks of the host have no say in that: where there are any, what they
   * are asked is a command of its own, given once the payment is committed, so that none runs under its lock.
   */
  const lift = async (customerId: string, { name, reason }: DunningPolicy, { at, trx }: Moment): Promise<void> => {
    const { before, inTransaction } = hooksOf(context, 'customer.reactivate');
    const input = { actionType: reason };
    if (!before && !inTransaction) {
      await suspensionService(context, identity).reactivate(customerId, input, { trx });
      return;
    }
    const set = { name: paidTimer(name), dueAt: at, command: 'reactivate', input, anchorAt: at } as const;
    await changeTimers(context, identity, customerId, [{ set }], { at, trx });
  };

  return {
    overdue: async (customerId, draft, options = {}) => {
      const since = writtenInstant(draft.overdueSince ?? clock.now());
      const given = readDraft(overdueInput, { ...draft, overdueSince: since });
      const policy = policyNamed(context, given.policy);
      const { invoiceId, facts, overdueSince = clock.now() } = given;
      return store.transaction(async (trx) => {
        const customer = await lockToChange(context, identity.tenantId, customerId, trx);
        const at = Math.max(clock.now(), customer.updatedAt);
        const before = await dunningCases.get(customerId, policy.name, trx);
        if (before?.invoices.some((invoice) => invoice.invoiceId === invoiceId))
          return view(policy, before, customer, trx);
        if (before && before.invoices.length >= mostInvoices)
          throw lifecycleErrors.INVOICE_LIMIT({ limit: mostInvoices });
        const fresh = { customerId, policy: policy.name, invoices: [], stepsTaken: 0, lastStepAt: null, openedAt: at };
        const opened: DunningCase = before ?? fresh;
        const after = { ...opened, invoices: [...opened.invoices, { invoiceId, overdueSince, facts }] };
        await dunningCases.put(after, trx);
        await scheduleStep(context, identity, policy, after, { at, trx });
        const data = { policy: policy.name, invoiceId, overdueSince, facts };
        const name = before ? 'dunning.invoice_added' : 'dunning.opened';
        await recordDunning(context, identity, customer, { name, data }, { at, trx });
        return view(policy, after, customer, trx);
      }, options.trx);
    },

    async paid(customerId, draft = {}, options = {}) {
      const { invoiceId, ...given } = readDraft(paidInput, draft);
      const policy = policyNamed(context, given.policy);
      return store.transaction(async (trx) => {
        const customer = await lockToChange(context, identity.tenantId, customerId, trx);
        const at = Math.max(clock.now(), customer.updatedAt);
        const before = await dunningCases.get(customerId, policy.name, trx);
        const invoices = (before?.invoices ?? []).filter((it) => invoiceId !== undefined && it.invoiceId !== invoiceId);
        if (!before || invoices.length === before.invoices.length) return view(policy, before, customer, trx);
        const after = { ...before, invoices };
        await scheduleStep(context, identity, policy, after, { at, trx });
        const data = { policy: policy.name, invoiceId: invoiceId ?? null };
        if (invoices.length > 0) {
          await dunningCases.put(after, trx);
          await recordDunning(context, identity, customer, { name: 'dunning.invoice_paid', data }, { at, trx });
          return view(policy, after, customer, trx);
        }
        await dunningCases.remove(customerId, policy.name, trx);
        await recordDunning(context, identity, customer, { name: 'dunning.closed', data }, { at, trx });
        const isOpen = customer.blocks.some(({ reason }) => reason === policy.reason);
        if (isOpen && !(await isAskedBesides(customerId, policy, trx))) await lift(customerId, policy, { at, trx });
        return view(policy, undefined, customer, trx);
      }, options.trx);
    },

    async get(customerId) {
      const customer = await customers.get(customerId);
      if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
      return Promise.all(
        dunning.map(async (policy) => view(policy, await dunningCases.get(customerId, policy.name), customer)),
      );
    },
  };
}
