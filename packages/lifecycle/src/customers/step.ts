import type { CustomerChange } from '../store/store.js';
import type { TimerChange } from '../timers/timer.js';
import type { Customer } from './customer.js';
import type { Moment } from './moment.js';
import type { PendingEvent } from './record.js';
import type { Command, Facts, Transition } from './transitions.js';

/** What a command comes to. */
export interface Decision {
  patch: Partial<Customer>;
  event: PendingEvent;
  /** What else belongs to the state, for hooks. Default: the customer alone. */
  stateOf?: (customer: Customer) => object;
  /** A service to be set up, and the run that does it. */
  requested?: CustomerChange['requested'];
  /** Commands to be given later, and those that are not to be given any more. */
  timers?: readonly TimerChange[];
}

/** What a decision may know besides the customer. */
export interface Known {
  /** Epoch ms: the time of the event. */
  at: number;
  /** How many services the customer has that are neither terminated nor failed. */
  liveServices: () => Promise<number>;
}

/** One command on a customer. */
export type Step = StepAsked & (Alone | Within);

interface StepAsked {
  command: Command;
  /** What hooks are told was asked. */
  input: object;
  /** What it is recognised by under an idempotency key. Default: its command and its input. */
  once?: { command: Command; input: object };
  /** What the guard judges by. */
  facts?: (customer: Customer) => Facts;
  /** Skipped when false. */
  applies?: (customer: Customer) => boolean;
}

interface Alone {
  /**
   * Called once the table allowed the command. It looks at nothing but what it is given, so that no transaction has to
   * be open meanwhile; it may be called twice.
   */
  decide: (customer: Customer, transition: Transition, known: Known) => Decision | Promise<Decision>;
}

interface Within {
  /** Called in the transaction once the table allowed the command. Throwing undoes everything. */
  decideWithin: (customer: Customer, transition: Transition, moment: Moment) => Decision | Promise<Decision>;
}

/** What decides on a command by itself. */
export type Decide = Alone['decide'];

/** What waits for nobody to decide. */
export type DecideAtOnce = (...given: Parameters<Decide>) => Decision;

/** A command that is decided by nothing but the customer, so that it can be decided for many. */
export type StepAtOnce = StepAsked & { decide: DecideAtOnce };

/** What needs the transaction to decide on a command. */
export type DecideWithin = Within['decideWithin'];
