import { coreErrors, describeError, isOperationError, type ScopeIdentity } from '@dotmac/core';
import type { NamedCommand } from '../commands/dispatch.js';
import type { CommandInput } from '../commands/input.js';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { departureStep, isDeparture } from '../customers/departures.js';
import { customerAfter } from '../customers/outcome.js';
import type { StepAtOnce } from '../customers/step.js';
import type { PendingEvent } from '../customers/record.js';
import type { Stage } from '../customers/stage.js';
import { transitionFor } from '../customers/transitions.js';
import { hooksOf } from '../hooks.js';
import { suspensionSteps } from '../suspension/steps.js';
import { isOfFew, type BulkOperation } from './operation.js';

/** What became of one customer, or would. */
export interface BulkResult {
  customerId: string;
  /** Null: there is no such customer. */
  from: Stage | null;
  /** Null: it was refused. */
  to: Stage | null;
  refusal: { code: string; message: string } | null;
}

/** A change that is decided and not yet written. */
export interface Planned {
  before: Customer;
  after: Customer;
  event: PendingEvent;
  /** The names of timers that are not there any more then. */
  cleared: readonly string[];
}

/**
 * The step of a command that depends on nothing but the customer itself, so that it can be decided for many at once;
 * undefined where hooks take part, or where more than the customer must be read.
 * @throws INVALID_INPUT
 */
export function plannable(
  context: LifecycleContext,
  identity: ScopeIdentity,
  command: NamedCommand,
  input: CommandInput,
): StepAtOnce | undefined {
  const step = stepOf(context, identity, command, input);
  const { before, inTransaction, afterCommit } = hooksOf(context, `customer.${command}`);
  return before || inTransaction || afterCommit ? undefined : step;
}

function stepOf(
  context: LifecycleContext,
  identity: ScopeIdentity,
  command: NamedCommand,
  input: CommandInput,
): StepAtOnce | undefined {
  if (isDeparture(command)) return departureStep(command, input);
  // Each reads its own part of the input. A promise sets a timer for each customer: it is given to one after another.
  if (command === 'suspend' || command === 'throttle' || command === 'reactivate' || command === 'endPromise')
    return suspensionSteps(context, identity)[command](input as never);
  return undefined;
}

/** Are the words that a command is given with about those few that it is for, and to be sealed with the key of each? */
export function hasOwnWords(
  { vault }: Pick<LifecycleContext, 'vault'>,
  { input: { reason, parameters = {} }, ...operation }: Pick<BulkOperation, 'input' | 'total'>,
): boolean {
  const hasWords = (reason ?? '') !== '' || Object.keys(parameters).length > 0;
  return vault !== undefined && hasWords && isOfFew(operation);
}

const noServices = () => Promise.resolve(0);

/** Decides a step for one customer who has no services, as it is. */
export function planOne(
  context: Pick<LifecycleContext, 'checklist' | 'logger'>,
  step: StepAtOnce,
  before: Customer,
  at: number,
): Planned | BulkResult {
  try {
    const transition = transitionFor(before, step.command, step.facts?.(before) ?? {}, context.checklist);
    const decision = step.decide(before, transition, { at, liveServices: noServices });
    const { event, timers = [] } = decision;
    const after = customerAfter(before, transition, decision, at);
    return { before, after, event, cleared: timers.flatMap((it) => ('clear' in it ? [it.clear] : [])) };
  } catch (error) {
    return failedFor(context, before.id, before, error);
  }
}

/** What failed for one customer, as it is listed: a fault that only the log may know is nobody else's. */
export function failedFor(
  { logger }: Pick<LifecycleContext, 'logger'>,
  customerId: string,
  before: Customer | undefined,
  error: unknown,
): BulkResult {
  const stage = before?.stage ?? null;
  if (isOperationError(error)) return refusedFor(customerId, stage, error);
  logger.error({ customerId, ...describeError(error) }, 'a command failed for one of many');
  return refusedFor(customerId, stage, coreErrors.INTERNAL({}));
}

/** A refusal, as it is listed. */
export function refusedFor(
  customerId: string,
  from: Stage | null,
  { code, message }: { code: string; message: string },
): BulkResult {
  return { customerId, from, to: null, refusal: { code, message } };
}
