import { coreErrors, isOperationError } from '@dotmac/core';
import { checkInput } from '../commands/check-input.js';
import type { CommandInput } from '../commands/input.js';
import type { Customer } from '../customers/customer.js';
import { lifecycleEvents, type LifecycleEvents } from '../events.js';
import { longestDays } from '../longest-days.js';
import { timedCommands, type TimedCommand } from '../timers/timer.js';

/** An event that a journey can begin or end with. */
export type JourneyEvent = keyof LifecycleEvents;

/** A step of a journey. */
export interface JourneyStep {
  /** Letters, digits, `_` and `-`, up to 50; kept while a customer is on its way to it. */
  key: string;
  /** Days of 24 hours since the journey, or this round of it, began. */
  afterDays: number;
  /**
   * Passed by when false; asked when its time has come, and once more under the customer's lock when hooks were asked and it
   * is taken. Default always. Conditions look at what they are given: one that throws is asked again for hours, and then the
   * journey ends for this customer (`journey.failed`).
   */
  when?: (customer: Customer) => boolean;
  /**
   * Given to the customer. Without one, subscribers are told (`journey.step_reached`): that is how a mail is sent. What is
   * refused is passed by, save for `erase`: that is put off by a day until nothing keeps it from being done.
   */
  command?: TimedCommand;
  /** What the command takes: read when the journey is defined. */
  input?: CommandInput;
  /**
   * The key of the step that follows, or `end`. Default the next of the list. One that comes earlier, or this one again,
   * begins another round, a gap later.
   */
  next?: (customer: Customer) => string;
}

/** What happens to customers that stay where they are. */
export interface Journey {
  readonly name: string;
  readonly startsOn: readonly JourneyEvent[];
  readonly restartsOn: readonly JourneyEvent[];
  readonly endsOn: readonly JourneyEvent[];
  /** Who takes part; asked at every beginning. */
  readonly when: (customer: Customer) => boolean;
  readonly steps: readonly JourneyStep[];
  /** The least time until a step that a `next` led back to. Default 24 hours. */
  readonly leastGapHours: number;
  /** Steps that one customer takes at the most before the journey ends by itself. Default 100. */
  readonly mostTaken: number;
}

/** What {@link defineJourney} takes. */
export interface JourneyInit {
  /** Letters, digits, `_` and `-`, up to 50. */
  name: string;
  /**
   * A customer to whom one of these happens sets out, unless it is on its way already. Many happen in several stages, e.g.
   * `customer.verified` to an active customer with a new address: `when` says in which ones the journey is meant.
   */
  startsOn: readonly JourneyEvent[];
  /**
   * One of these has a customer who is on its way begin again, at the first step and with its days counted anew; whom the
   * journey is not for any more leaves it. Nobody else sets out by it. Default none.
   */
  restartsOn?: readonly JourneyEvent[];
  /** One of these ends the journey wherever the customer is: its goal, and what makes it pointless. */
  endsOn?: readonly JourneyEvent[];
  /** Who takes part; asked at every beginning. Default everybody. */
  when?: (customer: Customer) => boolean;
  /** 1 to 50, each with a key of its own. */
  steps: readonly JourneyStep[];
  /** The least time until a step that a `next` led back to. Default 24 hours. */
  leastGapHours?: number;
  /** Steps that one customer takes at the most before the journey ends by itself, up to 10,000. Default 100. */
  mostTaken?: number;
}

/** Steps of one journey; with `next` leading back a customer takes the same ones again. */
const mostSteps = 50;

/**
 * Defines a journey.
 * @throws INVALID_ARGUMENT for a bad name or key, no steps, an event or a command that there is not, input that a command
 * refuses, a gap or a bound of nothing
 *
 * @example
 * const isNew = ({ stage }: Customer) => stage === 'verification' || stage === 'onboarding';
 * const welcome = defineJourney({
 *   name: 'welcome',
 *   startsOn: ['customer.verified'],
 *   endsOn: ['customer.activated', 'customer.churning', 'customer.deactivated', 'customer.deleted'],
 *   when: isNew,
 *   steps: [
 *     { key: 'remind', afterDays: 3 },
 *     { key: 'lost', afterDays: 14, when: isNew, command: 'markChurning', input: { reason: 'never onboarded' } },
 *   ],
 * });
 */
export function defineJourney(init: JourneyInit): Journey {
  const { name, startsOn, restartsOn = [], endsOn = [], when = () => true, steps } = init;
  const { leastGapHours = 24, mostTaken = 100 } = init;
  const refuse = (reason: string) => coreErrors.INVALID_ARGUMENT({ argument: `journey ${name}`, reason });
  const isWord = (text: string): boolean => /^[A-Za-z0-9_-]{1,50}$/.test(text);
  if (!isWord(name)) throw refuse('a name is 1 to 50 letters, digits, "_" or "-"');
  if (steps.length === 0 || steps.length > mostSteps) throw refuse(`there are 1 to ${mostSteps} steps`);
  if (startsOn.length === 0) throw refuse('it begins with at least one event');
  const unknown = [...startsOn, ...restartsOn, ...endsOn].find((event) => !lifecycleEvents.names.includes(event));
  if (unknown) throw refuse(`there is no event ${unknown}`);
  const keys = steps.map(({ key }) => key);
  if (keys.some((key) => !isWord(key) || key === 'end') || new Set(keys).size !== keys.length)
    throw refuse('every step has a key of its own, of letters, digits, "_" or "-", and none is "end"');
  if (steps.some(({ afterDays }) => !(afterDays >= 0 && afterDays <= longestDays)))
    throw refuse(`afterDays is 0 to ${longestDays}`);
  for (const step of steps) {
    const fault = faultOfCommand(step);
    if (fault !== undefined) throw refuse(`the step ${step.key}: ${fault}`);
  }
  if (!(leastGapHours > 0 && leastGapHours <= longestDays * 24))
    throw refuse('leastGapHours is more than 0, and no more than a hundred years');
  if (!Number.isInteger(mostTaken) || mostTaken < 1 || mostTaken > 10_000) throw refuse('mostTaken is 1 to 10,000');
  return { name, startsOn, restartsOn, endsOn, when, steps, leastGapHours, mostTaken };
}

/** Why the command of a step could never be given. Undefined: it could. */
function faultOfCommand({ command, input = {} }: JourneyStep): string | undefined {
  if (command === undefined) return undefined;
  if (!timedCommands.includes(command)) return `no journey gives the command ${String(command)}`;
  try {
    checkInput(command, input);
  } catch (error) {
    if (!isOperationError(error, 'INVALID_INPUT')) throw error;
    return error.issues?.map(({ path, message }) => `${path}: ${message}`).join('; ');
  }
  return undefined;
}

/** The step after one that had its turn; undefined: the journey is over. */
export function stepAfter({ steps }: Journey, step: JourneyStep, customer: Customer): JourneyStep | undefined {
  const wanted = step.next?.(customer);
  return wanted === undefined ? steps[steps.indexOf(step) + 1] : steps.find(({ key }) => key === wanted);
}
