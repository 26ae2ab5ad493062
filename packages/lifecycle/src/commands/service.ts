import { isOperationError, type ErrorKind, type ScopeIdentity } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { Undo, type Preview } from '../customers/preview.js';
import { commands, destination, transitionFor, type Command, type Facts } from '../customers/transitions.js';
import { lifecycleErrors } from '../errors.js';
import { hooksOf } from '../hooks.js';
import { missingItems } from '../onboarding/checklist.js';
import { commandsOf, type NamedCommand } from './dispatch.js';
import { writtenInput, type CommandInput } from './input.js';
import { dryRunInput, type CommandExplanation, type DryRun, type DryRunDraft } from './explanation.js';

/** Says what commands would do, and why not. */
export interface CommandService {
  /**
   * May this command be given now? By the table and its guards; a `before` hook may still refuse.
   * @throws CUSTOMER_NOT_FOUND
   */
  can(customerId: string, command: Command, facts?: Facts): Promise<boolean>;
  /** The same of every command, with reasons. @throws CUSTOMER_NOT_FOUND */
  explain(customerId: string): Promise<CommandExplanation[]>;
  /**
   * What a command would do: it is carried out and undone, so nothing is left out but the host's hooks, which are
   * named and not called.
   * @throws CUSTOMER_NOT_FOUND, INVALID_INPUT
   */
  dryRun(customerId: string, draft: DryRunDraft): Promise<DryRun>;
}

/** Refusals that are the answer of a dry run; others are errors of asking. */
const refusals: readonly ErrorKind[] = ['conflict', 'forbidden', 'limited', 'gone'];

/** The commands of one scope. */
export function commandService(context: LifecycleContext, identity: ScopeIdentity): CommandService {
  const { store, checklist } = context;
  const read = async (customerId: string): Promise<Customer> => {
    const customer = await store.tenant(identity.tenantId).customers.get(customerId);
    if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
    return customer;
  };
  const explainOne = (customer: Customer, command: Command, facts: Facts): CommandExplanation => {
    const hooks = hooksFor(context, command);
    try {
      const missing = missingItems(checklist, customer).map(({ key }) => key);
      const transition = transitionFor(customer, command, { missing, ...facts });
      const left = command === 'reactivate' || command === 'promise' ? [] : customer.blocks;
      return { command, allowed: true, reason: null, leadsTo: destination(transition, left), hooks };
    } catch (error) {
      if (!isOperationError(error)) throw error;
      return { command, allowed: false, reason: error.message, leadsTo: null, hooks };
    }
  };

  return {
    can: async (customerId, command, facts = {}) => explainOne(await read(customerId), command, facts).allowed,
    async explain(customerId) {
      const customer = await read(customerId);
      return commands.map((command) => explainOne(customer, command, {}));
    },
    async dryRun(customerId, draft) {
      const { command, input } = readDraft(dryRunInput, { ...draft, ...writtenInput(draft.input) });
      const customer = await read(customerId);
      const hooks = hooksFor(context, command);
      try {
        const preview = await undone(context, identity, customerId, command, input);
        return { ...seen(preview ?? unchanged(customer)), hooks };
      } catch (error) {
        if (!isOperationError(error) || !refusals.includes(error.kind)) throw error;
        return { ...seen(unchanged(customer)), allowed: false, reason: error.message, hooks };
      }
    },
  };
}

async function undone(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customerId: string,
  command: NamedCommand,
  input: CommandInput,
): Promise<Preview | undefined> {
  try {
    await commandsOf(context, identity)[command](customerId, input, { dryRun: true });
    return undefined;
  } catch (error) {
    if (error instanceof Undo) return error.preview;
    throw error;
  }
}

const unchanged = (customer: Customer): Preview => {
  return { before: customer, after: customer, commands: [], events: [], operations: [], timers: [] };
};

function seen({ before, after, events, operations, timers }: Preview): Omit<DryRun, 'hooks'> {
  return {
    allowed: true,
    reason: null,
    from: before.stage,
    to: after.stage,
    events: events.map(({ name }) => name),
    operations: operations.map(({ service, operation }) => {
      return { serviceId: service.id, serviceName: service.serviceName, operation };
    }),
    timers: timers.flatMap((change) => ('set' in change ? [change.set.name] : [])),
  };
}

function hooksFor(context: LifecycleContext, command: Command): CommandExplanation['hooks'] {
  const hooks = hooksOf(context, `customer.${command}`);
  return (['before', 'inTransaction', 'afterCommit'] as const).filter((phase) => hooks[phase] !== undefined);
}
