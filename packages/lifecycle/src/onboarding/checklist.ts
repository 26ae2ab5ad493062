import type { Customer } from '../customers/customer.js';

/** Something that must be done before a customer becomes active. */
export interface ChecklistItem {
  /** Shown as the `action` of a next action, e.g. `sign_contract`. */
  key: string;
  /** What to do, for people. */
  message: string;
  /** Judges by the customer alone, its `onboardingData` with it. Pure: called in a transaction. */
  isDone: (customer: Customer) => boolean;
}

/** The items that a customer has not done. */
export function missingItems(checklist: readonly ChecklistItem[], customer: Customer): readonly ChecklistItem[] {
  return checklist.filter(({ isDone }) => !isDone(customer));
}

/** The keys of {@link missingItems}. */
export function missingKeys(checklist: readonly ChecklistItem[], customer: Customer): string[] {
  return missingItems(checklist, customer).map(({ key }) => key);
}
