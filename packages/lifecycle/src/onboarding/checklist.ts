import { describeError, type Logger } from '@dotmac/core';
import type { Customer } from '../customers/customer.js';

/** Something that must be done before a customer becomes active. */
export interface ChecklistItem {
  /** Shown as the `action` of a next action, e.g. `sign_contract`. */
  key: string;
  /** What to do, for people. */
  message: string;
  /**
   * Judges by the customer alone, its `onboardingData` with it. Pure: called in a transaction, and for customers in any
   * stage. One that throws is logged, and the item is not done.
   */
  isDone: (customer: Customer) => boolean;
}

/** The host's checklist: an item that cannot tell whether it is done neither fails a command nor is done. */
export function readChecklist(checklist: readonly ChecklistItem[], logger: Logger): readonly ChecklistItem[] {
  return checklist.map((item) => ({
    ...item,
    isDone(customer) {
      try {
        return item.isDone(customer);
      } catch (error) {
        const { tenantId, id: customerId } = customer;
        logger.error({ tenantId, customerId, item: item.key, ...describeError(error) }, 'a checklist item failed');
        return false;
      }
    },
  }));
}

/** The items that a customer has not done. */
export function missingItems(checklist: readonly ChecklistItem[], customer: Customer): readonly ChecklistItem[] {
  return checklist.filter(({ isDone }) => !isDone(customer));
}

/** The keys of {@link missingItems}. */
export function missingKeys(checklist: readonly ChecklistItem[], customer: Customer): string[] {
  return missingItems(checklist, customer).map(({ key }) => key);
}
