import type { ScopeIdentity, StoreTransaction } from '@dotmac/core';
import { commandsOf } from '../commands/dispatch.js';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import { happened, recordChange, type PendingEvent } from '../customers/record.js';
import { isGivenUp, reasonOf, waitForCode } from '../timers/attempt.js';
import { changeTimers, type Timer } from '../timers/timer.js';
import { onwards } from './follow.js';
import { stepAfter, type JourneyStep } from './journey.js';

/**
 * Has a customer take the step of a journey whose time has come: the command, or the word to subscribers, in one
 * transaction with the end of this timer and the beginning of the next. A command that is refused, or fails for hours,
 * is recorded as passed by, and the journey goes on.
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
  if (!journey || !step) return waitForCode(context, tenantId, timer);
  const { customerId } = timer;
  const { customers, timers } = store.tenant(tenantId);
  const identity: ScopeIdentity = { tenantId, actor: `journey:${journey.name}` };
  /** Ends this timer and begins the next, for whoever takes it; goals of the step's own come after that. */
  const moveOn = async (customer: Customer, trx: StoreTransaction): Promise<boolean> => {
    if (!(await timers.take(timer.id, trx))) return false;
    const next = stepAfter(journey, step, customer);
    const at = clock.now();
    const taken = (timer.input.taken ?? 0) + 1;
    if (next && taken >= journey.mostTaken)
      logger.warn({ tenantId, customerId, journey: journey.name, taken }, 'a journey ends: it goes round and round');
    else if (next)
      await changeTimers(context, identity, customerId, [onwards(journey, step, next, timer, at)], { at, trx });
    return true;
  };
  const record = async (event: PendingEvent | undefined): Promise<null> => {
    await store.transaction(async (trx) => {
      const customer = await customers.lock(customerId, trx);
      if (!customer || !(await moveOn(customer, trx)) || !event) return;
      const at = Math.max(clock.now(), customer.updatedAt);
      const after = { ...customer, version: customer.version + 1, updatedAt: at };
      await recordChange(context, customer, after, [happened(identity, customerId, at, event)], trx);
    });
    return null;
  };

  const customer = await customers.get(customerId);
  const told = { journey: journey.name, step: step.key };
  if (!customer || step.when?.(customer) === false) return record(undefined);
  if (!step.command) return record({ name: 'journey.step_reached', data: told });
  try {
    await give(context, identity, customer, { step, claim: (trx) => moveOn(customer, trx) });
    return null;
  } catch (error) {
    if (!isGivenUp(timer, error)) throw error;
    return record({ name: 'journey.step_skipped', data: { ...told, reason: reasonOf(error) } });
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
