import { invalidInput } from '@dotmac/core/contract';
import { illegal } from '../customers/transitions.js';
import type { Customer } from '../customers/customer.js';
import type { ChecklistItem } from '../onboarding/checklist.js';
import { actionType } from './suspension.js';

/** The reason of a suspension whose `action_type` names none: the command's own name. */
const generalReason = 'general';

const general: Readonly<Record<string, true>> = {
  suspend: true,
  suspension: true,
  reactivate: true,
  reactivation: true,
};

/** Lifts every open reason. */
export const everyReason = 'all';

/** The reason that an `action_type` stands for. */
export function reasonFor(actionType: string): string {
  return Object.hasOwn(general, actionType) ? generalReason : actionType;
}

/** The reason that an `action_type` opens. @throws INVALID_INPUT for the one that stands for every reason */
export function reasonToOpen(actionType: string): string {
  if (actionType === everyReason)
    throw invalidInput([{ path: 'action_type', message: `"${everyReason}" names every reason, and none` }]);
  return reasonFor(actionType);
}

/** Why no reason can be called this: no suspension would ever open it. Undefined: one can. */
export function whyNoReason(word: string): string | undefined {
  if (!actionType.safeParse(word).success)
    return 'a reason is a word of letters, digits, "_", "." or "-", up to 50, that begins with a letter';
  const stands = word === everyReason || reasonFor(word) !== word;
  return stands ? `"${word}" is no reason: it stands for another one, or for all` : undefined;
}

/**
 * The open reasons that a reactivation lifts: the one named; for `reactivate` the general one, or else the only one
 * there is; for `all` every one.
 * @throws ILLEGAL_TRANSITION when the reason is not open, or `reactivate` could mean several
 */
export function reasonsToLift(customer: Customer, actionType: string, checklist: readonly ChecklistItem[]): string[] {
  const open = customer.blocks.map(({ reason }) => reason);
  if (actionType === everyReason) return open;
  const wanted = reasonFor(actionType);
  if (open.includes(wanted)) return [wanted];
  if (wanted === generalReason && open.length <= 1) return open;
  const listed = open.join(', ');
  const why =
    wanted === generalReason
      ? `several reasons are open (${listed}); name one, or "${everyReason}"`
      : `"${wanted}" is not among the open reasons (${listed})`;
  throw illegal(customer, 'reactivate', checklist, why);
}
