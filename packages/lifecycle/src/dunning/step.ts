import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import { commandsOf } from '../commands/dispatch.js';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import type { PendingEvent } from '../customers/record.js';
import { isGivenUp, reasonOf, waitForCode, waitForTimer } from '../timers/attempt.js';
import type { Timer } from '../timers/timer.js';
import type { DunningCase } from './case.js';
import { promisedUntil, promisedWords } from './held.js';
import type { DunningPolicy, DunningStep } from './policy.js';
import { recordDunning } from './record.js';
import { liftOf, scheduleStep } from './schedule.js';

const dayMs = 24 * 3_600_000;

/** A step that is to be taken now. */
interface Due {
  policy: DunningPolicy;
  step: DunningStep;
  kept: DunningCase;
}

/**
 * Takes the step of a case whose time has come: the command, the case and the next timer in one transaction, with the
 * end of this one. A step that is refused, or fails for hours, is recorded as passed over, and the next one has its turn.
 * @returns when to come again (epoch ms); null: this timer is over
 */
export async function takeDunningStep(
  context: LifecycleContext,
  tenantId: string,
  timer: Timer,
): Promise<number | null> {
  const { store, clock, dunning } = context;
  const { customerId } = timer;
  const policy = dunning.find(({ name }) => name === timer.input.policy);
  if (!policy) return waitForCode(context, tenantId, timer);
  const { customers, dunningCases, timers } = store.tenant(tenantId);
  const identity: ScopeIdentity = { tenantId, actor: `dunning:${policy.name}` };
  /** Moves the case on, for whoever takes the timer. */
  const moveOn = async (trx: StoreTransaction): Promise<Due | undefined> => {
    const customer = await customers.lock(customerId, trx);
    // To be left alone meanwhile, or another's: the timer that is left comes again.
    if (!customer || isLeftAlone(policy, customer, clock.now()) || !(await timers.take(timer.id, trx)))
      return undefined;
    const kept = await dunningCases.get(customerId, policy.name, trx);
    const step = kept && policy.steps[kept.stepsTaken];
    if (!kept || !step) return undefined;
    const at = clock.now();
    const moved = { ...kept, stepsTaken: kept.stepsTaken + 1, lastStepAt: at };
    await dunningCases.put(moved, trx);
    await scheduleStep(context, identity, policy, moved, { at, trx });
    return { policy, step, kept };
  };
  /** Records an event with the end of the timer. */
  const record = async (of: (due: Due) => PendingEvent): Promise<null> => {
    await store.transaction(async (trx) => {
      const customer = await customers.lock(customerId, trx);
      const due = await moveOn(trx);
      if (!customer || !due) return;
      await recordDunning(context, identity, customer, of(due), { at: Math.max(clock.now(), customer.updatedAt), trx });
    });
    return null;
  };

  const customer = await customers.get(customerId);
  const kept = await dunningCases.get(customerId, policy.name);
  const step = kept && policy.steps[kept.stepsTaken];
  const held = customer && whyHeld(policy, customer, timer, clock.now());
  if (held) return hold(context, identity, policy, timer, held).then(() => null);
  // What was paid lifts the reason first: a step before that would be refused for a reason that is about to go.
  const lift = await liftOf(context, tenantId, customerId, policy);
  if (lift) return waitForTimer(context, tenantId, timer, lift);
  if (!step || step.action === 'warn') return record((due) => ({ name: 'dunning.warned', data: toldOf(due) }));
  try {
    await act(context, identity, customerId, { policy, step, kept }, async (trx) => (await moveOn(trx)) !== undefined);
    return null;
  } catch (error) {
    if (!isGivenUp(timer, error)) throw error;
    return record((due) => ({ name: 'dunning.step_skipped', data: { ...toldOf(due), reason: reasonOf(error) } }));
  }
}

/** Why a step is not taken yet. */
interface Held {
  reason: string;
  /** Until when it was promised to pay (epoch ms). */
  promised?: number;
}

function whyHeld(policy: DunningPolicy, customer: Customer, timer: Timer, now: number): Held | undefined {
  const promised = promisedUntil(policy, customer, now);
  if (promised !== undefined) return { reason: promisedWords, promised };
  const reason = whyExcluded(policy, customer, timer);
  return reason === undefined ? undefined : { reason };
}

/**
 * Why a customer is left alone; undefined: it is not. Where that cannot be told, for hours, it is: nobody is cut off
 * because a question failed.
 */
function whyExcluded(policy: DunningPolicy, customer: Customer, timer: Timer): string | undefined {
  try {
    return policy.exclude(customer);
  } catch (error) {
    if (!isGivenUp(timer, error)) throw error;
    return `It could not be asked whether the customer is excluded. ${reasonOf(error)}`;
  }
}

/**
 * Is a customer to be left alone, as it is under its lock? What it was before may have changed while hooks were asked.
 * Where that cannot be told, it is: the step asks again.
 */
function isLeftAlone(policy: DunningPolicy, customer: Customer, now: number): boolean {
  try {
    return promisedUntil(policy, customer, now) !== undefined || policy.exclude(customer) !== undefined;
  } catch {
    return true;
  }
}

/** Gives the command of a step. */
async function act(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customerId: Customer['id'],
  due: Due,
  claim: (trx: StoreTransaction) => Promise<boolean>,
): Promise<void> {
  const { policy, step } = due;
  if (step.action === 'terminate') {
    const reason = `not paid for ${step.afterDays} days`;
    await commandsOf(context, identity).deactivate(customerId, { reason }, { claim });
    return;
  }
  const severity = step.action === 'throttle' ? 'throttle' : 'suspend';
  const asked = { actionType: policy.reason, severity, parameters: toldOf(due) } as const;
  await commandsOf(context, identity).suspend(customerId, asked, { claim });
}

/** What subscribers are told of a step. */
function toldOf({ policy, step, kept }: Due) {
  const invoices = kept.invoices.map(({ invoiceId }) => invoiceId);
  return { policy: policy.name, action: step.action, afterDays: step.afterDays, step: kept.stepsTaken + 1, invoices };
}

/** Leaves a customer alone for a day, or until a promise ends before; the history speaks of a promise once. */
async function hold(
  context: LifecycleContext,
  identity: ScopeIdentity,
  policy: DunningPolicy,
  timer: Timer,
  { reason, promised }: Held,
): Promise<void> {
  const { store, clock } = context;
  const { customers, dunningCases, timers } = store.tenant(identity.tenantId);
  await store.transaction(async (trx) => {
    const customer = await customers.lock(timer.customerId, trx);
    const kept = await dunningCases.get(timer.customerId, policy.name, trx);
    if (!customer || !kept || !(await timers.take(timer.id, trx))) return;
    const at = Math.max(clock.now(), customer.updatedAt);
    const notBefore = Math.min(at + dayMs, promised ?? Infinity);
    await scheduleStep(context, identity, policy, kept, { at, trx, notBefore, promised });
    if (promised !== undefined && promised === timer.input.promised) return;
    await recordDunning(
      context,
      identity,
      customer,
      { name: 'dunning.held', data: { policy: policy.name, reason } },
      { at, trx },
    );
  });
}
