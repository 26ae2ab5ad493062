import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import { commandsOf } from '../commands/dispatch.js';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { happened, recordChange, type PendingEvent } from '../customers/record.js';
import { isGivenUp, reasonOf, waitForCode } from '../timers/attempt.js';
import { isPostponed, postpone } from '../timers/postpone.js';
import { checkStillGone } from '../timers/check-still-gone.js';
import { changeTimers } from '../timers/change.js';
import type { Timer, TimerChange } from '../timers/timer.js';
import { onwards, setOut, setOutAt } from './follow.js';
import { stepAfter, type Journey, type JourneyStep } from './journey.js';

/**
 * Has a customer take the step of a journey whose time has come: the command, or the word to subscribers, in one
 * transaction with the end of this timer and the beginning of the next. A command that is refused, or fails for hours,
 * is recorded as passed by, and the journey goes on; an erasure is put off until it can be done; a condition that fails
 * for hours ends it, and that is recorded too.
 * @returns when to come again (epoch ms); null: this timer is over
 */
export async function takeJourneyStep(
  context: LifecycleContext,
  tenantId: string,
  timer: Timer,
): Promise<number | null> {
  const { store, clock, journeys, logger } = context;
  const journey = journeys.find(({ name }) => name === timer.input.journey);
  const step = journey?.steps.find(({ key }) => key === timer.input.step);
  if (!journey || (!step && !timer.input.isUnasked)) return waitForCode(context, tenantId, timer);
  const { customerId } = timer;
  const { customers, timers } = store.tenant(tenantId);
  const identity: ScopeIdentity = { tenantId, actor: `journey:${journey.name}` };
  /**
   * Ends this timer and begins what follows, for whoever takes it; goals of the step's own come after that.
   * @param taken the step, where it is not passed by: the customer may have changed while hooks were asked
   */
  const moveOn = async (following: readonly TimerChange[], trx: StoreTransaction, taken?: JourneyStep) => {
    // Not meant for it any more, or another's: the timer that is left comes again.
    if (taken?.when && !isMeantFor(await customers.lock(customerId, trx), taken.when)) return false;
    if (!(await timers.take(timer.id, trx))) return false;
    await changeTimers(context, identity, customerId, following, { at: clock.now(), trx });
    return true;
  };
  const record = async (
    following: readonly TimerChange[],
    event?: PendingEvent,
    taken?: JourneyStep,
  ): Promise<null> => {
    await store.transaction(async (trx) => {
      const customer = await customers.lock(customerId, trx);
      if (!customer || !(await moveOn(following, trx, taken)) || !event) return;
      const at = Math.max(clock.now(), customer.updatedAt);
      const after = { ...customer, version: customer.version + 1, updatedAt: at };
      await recordChange(context, customer, after, [happened(identity, customerId, at, event)], trx);
    });
    return null;
  };

  const customer = await customers.get(customerId);
  if (!customer) return record([]);
  let turn: JourneyTurn;
  try {
    turn = step ? turnAt(journey, step, timer, customer, clock.now()) : turnBefore(journey, timer, customer);
  } catch (error) {
    if (!isGivenUp(timer, error)) throw error;
    const data = { journey: journey.name, step: step?.key ?? null, reason: reasonOf(error) };
    return record([], { name: 'journey.failed', data });
  }
  const { isPassedBy, following, isCut } = turn;
  if (isCut) logger.warn({ tenantId, customerId, journey: journey.name }, 'a journey ends: it goes round and round');
  if (!step || isPassedBy) return record(following);
  const told = { journey: journey.name, step: step.key };
  if (!step.command) return record(following, { name: 'journey.step_reached', data: told }, step);
  try {
    const claim = async (trx: StoreTransaction): Promise<boolean> => {
      if (!(await moveOn(following, trx, step))) return false;
      // What the journey began with, a return perhaps, is not since.
      if (step.command === 'erase')
        await checkStillGone(context, tenantId, customerId, { since: setOutAt(timer) + 1, trx });
      return true;
    };
    await give(context, identity, customer, { step, claim });
    return null;
  } catch (error) {
    if (!isGivenUp(timer, error)) throw error;
    if (isPostponed(timer, step.command, error)) return postpone(context, identity, timer, step.command, error);
    return record(following, { name: 'journey.step_skipped', data: { ...told, reason: reasonOf(error) } }, step);
  }
}

/** What a timer of a journey comes to for a customer. */
interface JourneyTurn {
  /** There is nothing to be done now. */
  isPassedBy: boolean;
  /** The timer that comes next, if one does. */
  following: TimerChange[];
  /** One would come, but this customer has taken as many steps as it may. */
  isCut: boolean;
}

/** The question that could not be answered when the journey should have begun: it counts from then. */
function turnBefore(journey: Journey, { anchorAt }: Timer, customer: Customer): JourneyTurn {
  return { isPassedBy: true, following: journey.when(customer) ? setOut(journey, anchorAt) : [], isCut: false };
}

function turnAt(journey: Journey, step: JourneyStep, timer: Timer, customer: Customer, now: number): JourneyTurn {
  const isPassedBy = step.when?.(customer) === false;
  const next = stepAfter(journey, step, customer);
  const isCut = next !== undefined && (timer.input.taken ?? 0) + 1 >= journey.mostTaken;
  return { isPassedBy, following: next && !isCut ? [onwards(journey, step, next, timer, now)] : [], isCut };
}

/** Is a step meant for a customer as it is under its lock? Where that cannot be told, it is not: the timer asks again. */
function isMeantFor(customer: Customer | undefined, when: NonNullable<JourneyStep['when']>): boolean {
  try {
    return customer !== undefined && when(customer);
  } catch {
    return false;
  }
}

async function give(
  context: LifecycleContext,
  identity: ScopeIdentity,
  { id }: Customer,
  { step, claim }: { step: JourneyStep; claim: (trx: StoreTransaction) => Promise<boolean> },
): Promise<void> {
  if (step.command) await commandsOf(context, identity)[step.command](id, step.input ?? {}, { claim });
}
