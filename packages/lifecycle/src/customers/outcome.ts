import type { StoreTransaction } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import { hooksOf } from '../hooks.js';
import type { CustomerChange } from '../store/store.js';
import type { TimerChange } from '../timers/timer.js';
import type { Customer } from './customer.js';
import { churningFromIn } from './stage.js';
import type { Decision, Known, Step } from './step.js';
import { transitionFor, type Transition } from './transitions.js';

/** Commands that were asked for on one customer. */
export interface Asked {
  customerId: string;
  steps: readonly Step[];
  /** Those whose `before` hook was asked; undefined when none is to be. */
  heard: ReadonlySet<Step> | undefined;
}

/** What commands come to, before anything is written. */
export interface Outcome {
  customer: Customer;
  /** The steps that applied; none: nothing is to be written. */
  taken: readonly { step: Step; decision: Decision; state: object }[];
  timers: readonly TimerChange[];
  requested: CustomerChange['requested'];
}

/** The customer after a command that was decided on. */
export function customerAfter(
  before: Customer,
  { to }: Transition,
  { patch }: Pick<Decision, 'patch'>,
  at: number,
): Customer {
  const { stage = to } = patch;
  const churningFrom = churningFromIn(stage, before);
  return { ...before, ...patch, stage, churningFrom, version: before.version + 1, updatedAt: at };
}

/**
 * Judges commands by the table, and decides on them, one after another. Those that need a transaction are given `trx`.
 * @throws ILLEGAL_TRANSITION, CONCURRENT_CHANGE, and what decisions throw
 */
export async function outcomeOf(
  context: LifecycleContext,
  { customerId, steps, heard }: Asked,
  before: Customer,
  { trx, ...known }: Known & { trx?: StoreTransaction },
): Promise<Outcome> {
  const { at } = known;
  let customer = before;
  const taken: Outcome['taken'][number][] = [];
  for (const step of steps) {
    if (step.applies?.(customer) === false) continue;
    // Another's change made this step due since: its hook has not been asked.
    if (heard && hooksOf(context, `customer.${step.command}`).before && !heard.has(step))
      throw lifecycleErrors.CONCURRENT_CHANGE({ customerId });
    const transition = transitionFor(customer, step.command, step.facts?.(customer) ?? {}, context.checklist);
    const decision =
      'decide' in step
        ? await step.decide(customer, transition, known)
        : await step.decideWithin(customer, transition, { at, trx: trx as StoreTransaction });
    customer = customerAfter(customer, transition, decision, at);
    taken.push({ step, decision, state: decision.stateOf?.(customer) ?? customer });
  }
  const timers = taken.flatMap(({ decision }) => decision.timers ?? []);
  const requested = taken.find(({ decision }) => decision.requested)?.decision.requested;
  return { customer, taken, timers, requested };
}
