import { isOperationError, type ErrorKind, type ScopeIdentity } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Customer, RegistrationDraft } from '../customers/customer.js';
import { Undo, type Preview } from '../customers/preview.js';
import type { CarryOutOptions } from '../customers/command-options.js';
import { customerService } from '../customers/service.js';
import { commands, type Command, type Facts } from '../customers/transitions.js';
import { lifecycleErrors } from '../errors.js';
import { findService } from '../services/change.js';
import { tryVerification } from '../verification/dry-run.js';
import { commandsOf, serviceCommandsOf } from './dispatch.js';
import { shownPreview } from './dry-run.js';
import { writtenInput } from './input.js';
import { explainCommand } from './explain.js';
import {
  dryRunInput,
  serviceDryRunInput,
  type CommandExplanation,
  type DryRun,
  type DryRunDraft,
  type ServiceDryRunDraft,
} from './explanation.js';

/** Says what commands would do, and why not. */
export interface CommandService {
  /**
   * May this command be given now? By the table and its guards, and for `erase` by holds and services; a `before` hook
   * may still refuse. Without facts, for any channel or open reason there is.
   * @throws CUSTOMER_NOT_FOUND
   */
  can(customerId: string, command: Command, facts?: Facts): Promise<boolean>;
  /** The same of every command, with reasons. @throws CUSTOMER_NOT_FOUND */
  explain(customerId: string): Promise<CommandExplanation[]>;
  /**
   * What a command would do: it is carried out and undone, with its timers and those of journeys, so nothing is left out
   * but the host's hooks, which are named and not called. A `before` hook may still refuse. Of `verify`, no token is looked
   * at: it is as if the right one had been given.
   * @throws CUSTOMER_NOT_FOUND, INVALID_INPUT
   */
  dryRun(customerId: string, draft: DryRunDraft): Promise<DryRun>;
  /** The same of a registration: nobody is written to, and no name is taken. @throws INVALID_INPUT */
  dryRunRegistration(draft: RegistrationDraft): Promise<DryRun>;
  /** The same of a command on a service. @throws SERVICE_NOT_FOUND, INVALID_INPUT */
  dryRunService(serviceId: string, draft: ServiceDryRunDraft): Promise<DryRun>;
}

/** Refusals that are the answer of a dry run; others are errors of asking. */
const refusals: readonly ErrorKind[] = ['conflict', 'forbidden', 'limited', 'gone'];

const dry: CarryOutOptions = { dryRun: true };

/** The commands of one scope. */
export function commandService(context: LifecycleContext, identity: ScopeIdentity): CommandService {
  const { store } = context;
  const { customers, services } = store.tenant(identity.tenantId);
  const read = async (customerId: string): Promise<Customer> => {
    const customer = await customers.get(customerId);
    if (!customer) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
    return customer;
  };
  /** What is carried out comes to, before it is undone; or why it is refused. */
  const seen = async (customer: Customer | null, carryOut: () => Promise<unknown>): Promise<DryRun> => {
    try {
      return shownPreview(context, customer, await undone(carryOut));
    } catch (error) {
      if (!isOperationError(error) || !refusals.includes(error.kind)) throw error;
      const { code, message: reason } = error;
      return { ...shownPreview(context, customer, undefined), allowed: false, code, reason };
    }
  };

  return {
    can: async (customerId, command, facts = {}) =>
      (await explainCommand(context, await read(customerId), command, facts)).allowed,
    async explain(customerId) {
      const customer = await read(customerId);
      return Promise.all(commands.map((command) => explainCommand(context, customer, command, {})));
    },
    async dryRun(customerId, draft) {
      const { command, input } = readDraft(dryRunInput, { ...draft, ...writtenInput(draft.input) });
      const { verificationType: channel = 'email', ...given } = input;
      return seen(await read(customerId), () =>
        command === 'verify'
          ? tryVerification(context, identity, customerId, channel)
          : commandsOf(context, identity)[command](customerId, given, dry),
      );
    },
    dryRunRegistration: (draft) => seen(null, () => customerService(context, identity).register(draft, dry)),
    async dryRunService(serviceId, draft) {
      const { command, input } = readDraft(serviceDryRunInput, { ...draft, ...writtenInput(draft.input) });
      const { customerId } = await findService(services, serviceId);
      return seen(await read(customerId), () => serviceCommandsOf(context, identity)[command](serviceId, input, dry));
    },
  };
}

/** What something comes to that undoes itself; undefined: it would change nothing. */
async function undone(carryOut: () => Promise<unknown>): Promise<Preview | undefined> {
  try {
    await carryOut();
    return undefined;
  } catch (error) {
    if (error instanceof Undo) return error.preview;
    throw error;
  }
}
