import type { OperationError } from '@dotmac/core';
import { lifecycleErrors } from '../errors.js';
import { missingKeys, type ChecklistItem } from '../onboarding/checklist.js';
import type { Channel } from '../verification/channel.js';
import { isSuspending } from '../suspension/blocks.js';
import type { Block, Customer } from './customer.js';
import { churnsBeforeActive, type Stage } from './stage.js';

/** What can be asked of a customer that is there. (`register` makes one: its only way is into `registration`.) */
export const commands = [
  'approve',
  'reject',
  'verify',
  'startOnboarding',
  'progressOnboarding',
  'completeOnboarding',
  'requestService',
  'suspend',
  'throttle',
  'reactivate',
  'promise',
  'endPromise',
  'markChurning',
  'winBack',
  'deactivate',
  'delete',
  'restore',
  'erase',
] as const;

/** @see commands */
export type Command = (typeof commands)[number];

/** What a guard judges by besides the customer. */
export interface Facts {
  /** For `verify`: what is to be verified. Default anything. */
  channel?: Channel;
  /** For commands on reasons of a suspension: which one. */
  reason?: string;
  /** For `completeOnboarding`: items of the checklist that are not done. */
  missing?: readonly string[];
}

/** Says why not, or undefined. */
type Guard = (customer: Customer, facts: Facts) => string | undefined;

/** Without a channel: is there anything left to verify? */
const unverified: Guard = ({ emailVerifiedAt, phone, phoneVerifiedAt }, { channel }) => {
  const isLeft = { email: emailVerifiedAt === null, phone: phoneVerifiedAt === null };
  const isAny = channel === undefined ? isLeft.email || (phone !== null && isLeft.phone) : isLeft[channel];
  return isAny ? undefined : 'this was verified already';
};

/** Reasons that may be open at once. */
const mostReasons = 50;

const tooMany = (blocks: readonly Block[]): string | undefined =>
  blocks.length < mostReasons ? undefined : `${mostReasons} reasons are open already`;

const letIn: Guard = ({ approval }) => {
  if (approval === 'rejected') return 'it was turned away';
  return approval === 'pending' ? 'it waits for approval' : undefined;
};

const newReason: Guard = ({ blocks }, { reason }) =>
  blocks.some((block) => block.reason === reason && block.severity === 'suspend')
    ? 'it is suspended for this reason already'
    : tooMany(blocks);

/** The guards that transitions name. */
export const guards = {
  awaitsApproval: ({ approval }) => (approval === 'pending' ? undefined : 'it does not wait for approval'),
  unverified,
  letInAndUnverified: (customer, facts) => letIn(customer, facts) ?? unverified(customer, facts),
  checklistDone: (_, { missing = [] }) =>
    missing.length === 0 ? undefined : `these are not done yet: ${missing.join(', ')}`,
  newReason,
  activeBeforeAndNewReason: (customer, facts) =>
    churnsBeforeActive(customer) ? 'it was not active before' : newReason(customer, facts),
  notActiveBefore: (customer) => (churnsBeforeActive(customer) ? undefined : 'it was active before'),
  newThrottle: ({ blocks }, { reason }) =>
    blocks.some((block) => block.reason === reason) ? 'this reason is open already' : tooMany(blocks),
  anyReason: ({ blocks }) => (blocks.length > 0 ? undefined : 'no reason is open'),
  openReason: ({ blocks }, { reason }) =>
    blocks.some((block) => reason === undefined || block.reason === reason) ? undefined : 'this reason is not open',
  promised: ({ blocks }, { reason }) =>
    blocks.some((block) => block.promisedUntil !== null && (reason === undefined || block.reason === reason))
      ? undefined
      : 'no payment is promised for this reason',
  letInAndVerified(customer, facts) {
    const isVerified = customer.emailVerifiedAt !== null || customer.phoneVerifiedAt !== null;
    return letIn(customer, facts) ?? (isVerified ? undefined : 'it was never verified');
  },
} satisfies Record<string, Guard>;

/** One entry of the table. */
export interface Transition {
  to: Stage;
  guard?: keyof typeof guards;
  /** Where it leads instead while a reason that suspends is open. */
  whileBlocked?: Stage;
  /** Where it leads instead, whatever is open, for who churns and was not active before: back to onboarding at the most. */
  beforeActive?: Stage;
}

/**
 * THE table: stage by command. What is not in it is illegal. Reasons are lifted, and promises end, wherever they can be
 * open: what was paid for must not await a customer who comes back. An erased customer takes no command at all.
 */
export const transitions: Record<Stage, Partial<Record<Command, Transition>>> = {
  registration: {
    approve: { to: 'registration', guard: 'awaitsApproval' },
    reject: { to: 'inactive', guard: 'awaitsApproval' },
    verify: { to: 'verification', guard: 'letInAndUnverified' },
    delete: { to: 'deleted' },
  },
  verification: {
    verify: { to: 'verification', guard: 'unverified' },
    startOnboarding: { to: 'onboarding' },
    markChurning: { to: 'churning' },
    deactivate: { to: 'inactive' },
    delete: { to: 'deleted' },
  },
  onboarding: {
    verify: { to: 'onboarding', guard: 'unverified' },
    progressOnboarding: { to: 'onboarding' },
    completeOnboarding: { to: 'active', guard: 'checklistDone', whileBlocked: 'suspended' },
    reactivate: { to: 'onboarding', guard: 'anyReason' },
    endPromise: { to: 'onboarding', guard: 'promised' },
    markChurning: { to: 'churning' },
    deactivate: { to: 'inactive' },
    delete: { to: 'deleted' },
  },
  active: {
    verify: { to: 'active', guard: 'unverified' },
    requestService: { to: 'active' },
    suspend: { to: 'suspended', guard: 'newReason' },
    throttle: { to: 'active', guard: 'newThrottle' },
    reactivate: { to: 'active', guard: 'anyReason' },
    promise: { to: 'active', guard: 'openReason' },
    endPromise: { to: 'active', guard: 'promised', whileBlocked: 'suspended' },
    markChurning: { to: 'churning' },
    deactivate: { to: 'inactive' },
    delete: { to: 'deleted' },
  },
  suspended: {
    verify: { to: 'suspended', guard: 'unverified' },
    suspend: { to: 'suspended', guard: 'newReason' },
    throttle: { to: 'suspended', guard: 'newThrottle' },
    reactivate: { to: 'active', whileBlocked: 'suspended' },
    promise: { to: 'active', guard: 'openReason', whileBlocked: 'suspended' },
    endPromise: { to: 'suspended', guard: 'promised' },
    deactivate: { to: 'inactive' },
    delete: { to: 'deleted' },
  },
  churning: {
    verify: { to: 'churning', guard: 'unverified' },
    startOnboarding: { to: 'onboarding', guard: 'notActiveBefore' },
    suspend: { to: 'suspended', guard: 'activeBeforeAndNewReason' },
    reactivate: { to: 'churning', guard: 'anyReason' },
    endPromise: { to: 'churning', guard: 'promised', whileBlocked: 'suspended', beforeActive: 'churning' },
    winBack: { to: 'active', beforeActive: 'onboarding' },
    deactivate: { to: 'inactive' },
    delete: { to: 'deleted' },
  },
  inactive: {
    // Who was deleted while it waited for approval, and restored.
    approve: { to: 'inactive', guard: 'awaitsApproval' },
    reject: { to: 'inactive', guard: 'awaitsApproval' },
    verify: { to: 'inactive', guard: 'letInAndUnverified' },
    reactivate: { to: 'inactive', guard: 'anyReason' },
    endPromise: { to: 'inactive', guard: 'promised' },
    winBack: { to: 'onboarding', guard: 'letInAndVerified' },
    delete: { to: 'deleted' },
    erase: { to: 'deleted' },
  },
  deleted: {
    reactivate: { to: 'deleted', guard: 'anyReason' },
    endPromise: { to: 'deleted', guard: 'promised' },
    restore: { to: 'inactive' },
    erase: { to: 'deleted' },
  },
};

/** Where a transition leads, once the customer's open reasons are `blocks`. */
export function destination({ to, whileBlocked }: Transition, blocks: readonly Block[]): Stage {
  return whileBlocked !== undefined && isSuspending(blocks) ? whileBlocked : to;
}

/** The commands that the table has for a stage, guards aside. */
export function legalCommands(stage: Stage): Command[] {
  return commands.filter((command) => transitions[stage][command] !== undefined);
}

/** Why the table or a guard refuses a command that the table has for the stage; undefined: it does not. */
function refusalOf(customer: Customer, { guard }: Transition, facts: Facts): string | undefined {
  return customer.erasedAt !== null ? 'it was erased' : guard && guards[guard](customer, facts);
}

/**
 * The commands that a customer can take now, by the table and its guards: for any channel or reason there is.
 * @param checklist what must be done before it becomes active
 */
export function possibleCommands(customer: Customer, checklist: readonly ChecklistItem[]): Command[] {
  const facts: Facts = { missing: missingKeys(checklist, customer) };
  return commands.filter((command) => {
    const transition = transitions[customer.stage][command];
    return transition !== undefined && refusalOf(customer, transition, facts) === undefined;
  });
}

/** The refusal of a command: what the stage allows, and what of it this customer can take instead. */
export function illegal(
  customer: Customer,
  command: Command,
  checklist: readonly ChecklistItem[],
  reason?: string,
): OperationError {
  const { stage } = customer;
  const possible = possibleCommands(customer, checklist).filter((it) => it !== command);
  const legal = legalCommands(stage);
  return lifecycleErrors.ILLEGAL_TRANSITION({ stage, command, legal, possible, ...(reason && { reason }) });
}

/**
 * The table's entry for a command, as it is for this customer.
 * @param checklist for the refusal: see {@link possibleCommands}
 * @throws ILLEGAL_TRANSITION naming stage, command, what is legal and what is possible, and the guard's reason
 */
export function transitionFor(
  customer: Customer,
  command: Command,
  facts: Facts,
  checklist: readonly ChecklistItem[],
): Transition {
  const transition = transitions[customer.stage][command];
  if (!transition) throw illegal(customer, command, checklist);
  const reason = refusalOf(customer, transition, facts);
  if (reason !== undefined) throw illegal(customer, command, checklist, reason);
  const { beforeActive } = transition;
  return beforeActive !== undefined && churnsBeforeActive(customer) ? { to: beforeActive } : transition;
}
