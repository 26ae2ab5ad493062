import { describeError, type AnyEvent, type ScopeIdentity } from '@dotmac/core';
import type { LifecycleContext } from '../context.js';
import type { Customer } from '../customers/customer.js';
import type { Moment } from '../customers/moment.js';
import type { LifecycleEvents } from '../events.js';
import { instantAfter } from '../instant-after.js';
import { changeTimers } from '../timers/change.js';
import { ownTimer } from '../timers/own-names.js';
import type { Timer, TimerChange, TimerNotes } from '../timers/timer.js';
import type { Journey, JourneyStep } from './journey.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The name of the timer that a customer's place in a journey is kept in. */
const journeyTimer = (journey: string): string => ownTimer('journey', journey);

/** The timer of a step, counted from the beginning of the journey, or of this round of it. */
function towards(
  journey: Journey,
  step: JourneyStep,
  anchorAt: number,
  notes: Pick<TimerNotes, 'taken' | 'setOut'> = { taken: 0 },
): TimerChange {
  const dueAt = instantAfter(anchorAt, step.afterDays * dayMs);
  const input = { journey: journey.name, step: step.key, ...notes };
  return { set: { name: journeyTimer(journey.name), command: 'journeyStep', input, dueAt, anchorAt } };
}

/** When the customer whose timer this is set out on the journey (epoch ms), however many rounds ago. */
export function setOutAt({ setAt, anchorAt, input }: Timer): number {
  return input.setOut ?? Math.min(setAt, anchorAt);
}

/** The timer of a customer who set out. */
export function setOut(journey: Journey, anchorAt: number): TimerChange[] {
  return journey.steps.slice(0, 1).map((first) => towards(journey, first, anchorAt));
}

/**
 * What becomes of a customer to whom the beginning of a journey happened. A condition that fails holds up neither the
 * command nor whoever else it is given to: it is asked again by a timer, which takes the journey's place.
 */
function begin(context: LifecycleContext, journey: Journey, customer: Customer, at: number): TimerChange[] {
  try {
    return journey.when(customer) ? setOut(journey, at) : [];
  } catch (error) {
    const { tenantId, id: customerId } = customer;
    context.logger.error(
      { tenantId, customerId, journey: journey.name, ...describeError(error) },
      'the condition of a journey failed, and is asked again',
    );
    const input = { journey: journey.name, isUnasked: true } as const;
    const dueAt = at + minuteMs;
    return [{ set: { name: journeyTimer(journey.name), command: 'journeyStep', input, dueAt, anchorAt: at } }];
  }
}

/**
 * The timer of the step after one that was taken now. One that leads back begins another round: it is due as long after
 * this one as it comes after the step before it in the list, and what follows is counted from there.
 */
export function onwards(
  journey: Journey,
  step: JourneyStep,
  next: JourneyStep,
  timer: Timer,
  now: number,
): TimerChange {
  const { steps, leastGapHours } = journey;
  const notes = { taken: (timer.input.taken ?? 0) + 1, setOut: setOutAt(timer) };
  const index = steps.indexOf(next);
  if (index > steps.indexOf(step)) return towards(journey, next, timer.anchorAt, notes);
  const gapMs = (next.afterDays - (steps[index - 1]?.afterDays ?? 0)) * dayMs;
  const dueAt = now + Math.max(gapMs, leastGapHours * hourMs);
  return towards(journey, next, instantAfter(dueAt, -next.afterDays * dayMs), notes);
}

type Events = readonly AnyEvent<LifecycleEvents>[];

/** The journeys that begin, begin again or end with one of these events. */
export function concerned({ journeys }: Pick<LifecycleContext, 'journeys'>, events: Events): Journey[] {
  return journeys.filter(({ startsOn, restartsOn, endsOn }) =>
    events.some(({ name }) => [startsOn, restartsOn, endsOn].some((names) => names.includes(name))),
  );
}

/** Has a customer set out on journeys, or anew, and ends those that came to their goal, with what happened to it. */
export async function followJourneys(
  context: LifecycleContext,
  identity: ScopeIdentity,
  customerId: string,
  events: Events,
  { at, trx }: Moment,
): Promise<void> {
  const { store } = context;
  const journeys = concerned(context, events);
  if (journeys.length === 0) return;
  const { customers, timers } = store.tenant(identity.tenantId);
  const [customer, set] = [await customers.get(customerId, trx), await timers.listFor(customerId, trx)];
  const changes: TimerChange[] = [];
  for (const journey of journeys) {
    const name = journeyTimer(journey.name);
    let isUnderWay = set.some((timer) => timer.name === name);
    for (const event of events) {
      if (journey.endsOn.includes(event.name)) {
        if (isUnderWay) changes.push({ clear: name });
        isUnderWay = false;
      } else if ((isUnderWay ? journey.restartsOn : journey.startsOn).includes(event.name) && customer) {
        const begun = begin(context, journey, customer, at);
        if (isUnderWay) changes.push({ clear: name });
        changes.push(...begun);
        isUnderWay = begun.length > 0;
      }
    }
  }
  await changeTimers(context, identity, customerId, changes, { at, trx });
}
