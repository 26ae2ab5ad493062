import type { ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { CustomerView } from '../customers/customer.js';
import { viewOf } from '../customers/next-actions.js';
import { perform } from '../customers/perform.js';
import type { CommandOptions } from '../customers/command-options.js';
import type { Step } from '../customers/step.js';
import { suspensionSteps } from './steps.js';
import type { PromiseDraft, PromiseEndDraft, ReactivationDraft, SuspensionDraft } from './suspension.js';

/** Suspends and reactivates one tenant's customers. Each reason is opened and lifted by itself; services follow. */
export interface SuspensionService {
  /**
   * Opens a reason. One that throttles leaves the customer its stage; the same reason may be opened again to suspend.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (also when this reason is open already)
   */
  suspend(customerId: string, draft: SuspensionDraft, options?: CommandOptions): Promise<CustomerView>;
  /** Opens a reason with the severity `throttle`. @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION */
  throttle(customerId: string, draft: SuspensionDraft, options?: CommandOptions): Promise<CustomerView>;
  /**
   * Lifts a reason; the customer is active again once none is left that suspends.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (also when this reason is not open)
   */
  reactivate(customerId: string, draft: ReactivationDraft, options?: CommandOptions): Promise<CustomerView>;
  /**
   * Leaves an open reason without effect until a time, at which it takes effect again, unless it was lifted by then.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION (also when this reason is not open), INVALID_INPUT
   */
  promise(customerId: string, draft: PromiseDraft, options?: CommandOptions): Promise<CustomerView>;
  /** Ends a promise, or all of them, before its time. @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION */
  endPromise(customerId: string, draft?: PromiseEndDraft, options?: CommandOptions): Promise<CustomerView>;
}

/** The suspensions of one scope. */
export function suspensionService(context: LifecycleContext, identity: ScopeIdentity): SuspensionService {
  const { clock, checklist } = context;
  const steps = suspensionSteps(context, identity);
  const take = async (customerId: string, step: Step, options?: CommandOptions): Promise<CustomerView> =>
    perform(context, identity, customerId, [step], (customer) => viewOf(customer, checklist, clock.now()), options);

  return {
    suspend: async (customerId, draft, options) => take(customerId, steps.suspend(draft), options),
    throttle: async (customerId, draft, options) => take(customerId, steps.throttle(draft), options),
    reactivate: async (customerId, draft, options) => take(customerId, steps.reactivate(draft), options),
    promise: async (customerId, draft, options) => take(customerId, steps.promise(draft), options),
    endPromise: async (customerId, draft = {}, options) => take(customerId, steps.endPromise(draft), options),
  };
}
