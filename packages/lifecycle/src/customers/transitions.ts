import { lifecycleErrors } from '../errors.js';
import type { Channel } from '../verification/channel.js';
import type { Customer } from './customer.js';
import type { Stage } from './stage.js';

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
  'reactivate',
  'markChurning',
  'deactivate',
  'delete',
] as const;

/** @see commands */
export type Command = (typeof commands)[number];

/** What a guard judges by besides the customer. */
export interface Facts {
  /** For `verify`: what is to be verified. */
  channel?: Channel;
  /** For `suspend`: the reason to be opened. */
  reason?: string;
  /** For `completeOnboarding`: items of the checklist that are not done. */
  missing?: readonly string[];
}

/** Says why not, or undefined. */
type Guard = (customer: Customer, facts: Facts) => string | undefined;

const unverified: Guard = ({ emailVerifiedAt, phoneVerifiedAt }, { channel }) =>
  (channel === 'phone' ? phoneVerifiedAt : emailVerifiedAt) === null ? undefined : 'this was verified already';

/** The guards that transitions name. */
export const guards = {
  awaitsApproval: ({ approval }) => (approval === 'pending' ? undefined : 'it does not wait for approval'),
  unverified,
  approvedAndUnverified: (customer, facts) =>
    customer.approval === 'pending' ? 'it waits for approval' : unverified(customer, facts),
  checklistDone: (_, { missing = [] }) =>
    missing.length === 0 ? undefined : `these are not done yet: ${missing.join(', ')}`,
  newReason: ({ blocks }, { reason }) =>
    blocks.some((block) => block.reason === reason) ? 'it is suspended for this reason already' : undefined,
} satisfies Record<string, Guard>;

/** One entry of the table. */
export interface Transition {
  to: Stage;
  guard?: keyof typeof guards;
  /** Where it leads instead while other reasons of the suspension are open. */
  whileBlocked?: Stage;
}

/** THE table: stage by command. What is not in it is illegal. */
export const transitions: Record<Stage, Partial<Record<Command, Transition>>> = {
  registration: {
    approve: { to: 'registration', guard: 'awaitsApproval' },
    reject: { to: 'inactive', guard: 'awaitsApproval' },
    verify: { to: 'verification', guard: 'approvedAndUnverified' },
    delete: { to: 'deleted' },
  },
  verification: {
    verify: { to: 'verification', guard: 'unverified' },
    startOnboarding: { to: 'onboarding' },
    deactivate: { to: 'inactive' },
    delete: { to: 'deleted' },
  },
  onboarding: {
    verify: { to: 'onboarding', guard: 'unverified' },
    progressOnboarding: { to: 'onboarding' },
    completeOnboarding: { to: 'active', guard: 'checklistDone' },
    deactivate: { to: 'inactive' },
    delete: { to: 'deleted' },
  },
  active: {
    verify: { to: 'active', guard: 'unverified' },
    requestService: { to: 'active' },
    suspend: { to: 'suspended', guard: 'newReason' },
    markChurning: { to: 'churning' },
    deactivate: { to: 'inactive' },
    delete: { to: 'deleted' },
  },
  suspended: {
    suspend: { to: 'suspended', guard: 'newReason' },
    reactivate: { to: 'active', whileBlocked: 'suspended' },
    deactivate: { to: 'inactive' },
    delete: { to: 'deleted' },
  },
  churning: {
    deactivate: { to: 'inactive' },
    delete: { to: 'deleted' },
  },
  inactive: {
    delete: { to: 'deleted' },
  },
  deleted: {},
};

/** The commands that the table has for a stage, guards aside. */
export function legalCommands(stage: Stage): Command[] {
  return commands.filter((command) => transitions[stage][command] !== undefined);
}

/**
 * The table's entry for a command.
 * @throws ILLEGAL_TRANSITION naming stage, command, what is legal, and the guard's reason
 */
export function transitionFor(customer: Customer, command: Command, facts: Facts = {}): Transition {
  const { stage } = customer;
  const transition = transitions[stage][command];
  const refuse = (reason?: string) =>
    lifecycleErrors.ILLEGAL_TRANSITION({ stage, command, legal: legalCommands(stage), ...(reason && { reason }) });
  if (!transition) throw refuse();
  const reason = transition.guard && guards[transition.guard](customer, facts);
  if (reason !== undefined) throw refuse(reason);
  return transition;
}
