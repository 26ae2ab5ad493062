import type { CommandInput } from '../commands/input.js';

/** What a timer may ask for. */
export const timedCommands = [
  'approve',
  'reject',
  'suspend',
  'throttle',
  'reactivate',
  'endPromise',
  'markChurning',
  'winBack',
  'deactivate',
  'delete',
  'erase',
] as const;

/** @see timedCommands */
export type TimedCommand = (typeof timedCommands)[number];

/** Set by dunning, by journeys, by services and with promises alone, with what they need to know. */
export const ownCommands = ['dunningStep', 'journeyStep', 'endServicePromise', 'followService'] as const;

type OwnCommand = (typeof ownCommands)[number];

/** What is noted with a timer besides what its command takes. */
export interface TimerNotes {
  policy?: string;
  journey?: string;
  step?: string;
  /** The service whose promise ends, or that follows its customer. */
  service?: string;
  /** Whether the customer takes part in the journey could not be asked when it should have begun. */
  isUnasked?: true;
  /** Steps of the journey that were taken before. */
  taken?: number;
  /** When the customer set out on the journey (epoch ms). Absent on the way to its first step. */
  setOut?: number;
  /** The end of the promise to pay that a step of dunning is held by (epoch ms). */
  promised?: number;
  /** Attempts that failed. */
  attempts?: number;
  /** The code of what had it put off when it was due. */
  postponed?: string;
}

/** A command that will be given to a customer, judged anew by the table when its time has come. Times are epoch ms. */
export interface Timer {
  id: string;
  customerId: string;
  /** A customer has one timer of a name: setting it again moves it. */
  name: string;
  dueAt: number;
  command: TimedCommand | OwnCommand;
  input: CommandInput & TimerNotes;
  /** What the time is counted from: setting the timer again counts from here, and not from the last attempt. */
  anchorAt: number;
  setBy: string;
  setAt: number;
}

/** A timer to be set, or not to be there any more. */
export type TimerChange = { set: Pick<Timer, 'name' | 'dueAt' | 'command' | 'input' | 'anchorAt'> } | { clear: string };
