import { isOperationError } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Block, Customer } from '../customers/customer.js';
import type { Stage } from '../customers/stage.js';
import { destination, transitionFor, type Command, type Facts, type Transition } from '../customers/transitions.js';
import { lifecycleErrors } from '../errors.js';
import { hooksOf, type HookName } from '../hooks.js';
import { missingKeys } from '../onboarding/checklist.js';
import { whyKept } from '../privacy/erase.js';
import { without } from '../suspension/blocks.js';
import { withoutPromise, withPromise } from '../suspension/promise.js';
import { reasonsToLift } from '../suspension/reasons.js';
import { addressOf } from '../verification/address.js';
import { hookPhase, type CommandExplanation } from './explanation.js';

/** Whether a command may be given to a customer, what stands in its way, and where it leads. */
export async function explainCommand(
  context: LifecycleContext,
  customer: Customer,
  command: Command,
  facts: Facts,
): Promise<CommandExplanation> {
  const hooks = phasesOf(context, `customer.${command}`);
  try {
    const { checklist } = context;
    const missing = missingKeys(checklist, customer);
    const transition = transitionFor(customer, command, { missing, ...facts }, checklist);
    if (command === 'verify' && facts.channel && addressOf(customer, facts.channel) === null)
      throw lifecycleErrors.CHANNEL_MISSING({ channel: facts.channel });
    if (command === 'reactivate' && facts.reason !== undefined) reasonsToLift(customer, facts.reason, checklist);
    const kept = command === 'erase' ? await whyKept(context, customer) : undefined;
    if (kept) throw kept;
    return {
      command,
      allowed: true,
      reason: null,
      leadsTo: whereTo(context, customer, command, transition, facts),
      hooks,
    };
  } catch (error) {
    if (!isOperationError(error)) throw error;
    return { command, allowed: false, reason: error.message, leadsTo: null, hooks };
  }
}

/** In which phases the host has a hook. */
export function phasesOf(context: LifecycleContext, name: HookName): CommandExplanation['hooks'] {
  const hooks = hooksOf(context, name);
  return hookPhase.options.filter((phase) => hooks[phase] !== undefined);
}

/** Where it leads; null where that depends on which of the open reasons is meant. */
function whereTo(
  { checklist }: LifecycleContext,
  customer: Customer,
  command: Command,
  transition: Transition,
  { reason }: Facts,
): Stage | null {
  const { blocks } = customer;
  const named = reason === undefined ? blocks.map((block) => block.reason) : [reason];
  const left: Partial<Record<Command, () => Block[][]>> = {
    reactivate: () =>
      blocks.length === 0 ? [[]] : named.map((each) => without(blocks, reasonsToLift(customer, each, checklist))),
    promise: () => named.map((each) => withPromise(blocks, { reason: each, until: Infinity, note: null })),
    endPromise: () => [withoutPromise(blocks, reason).blocks],
  };
  const stages = new Set((left[command]?.() ?? [[...blocks]]).map((each) => destination(transition, each)));
  const [stage, ...others] = stages;
  return stage !== undefined && others.length === 0 ? stage : null;
}
