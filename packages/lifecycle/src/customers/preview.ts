import type { StartedOperation } from '../services/settle.js';
import type { TimerChange } from '../timers/timer.js';
import type { Customer } from './customer.js';
import type { PendingEvent } from './record.js';
import type { Command } from './transitions.js';

/** What a command would do. */
export interface Preview {
  before: Customer;
  after: Customer;
  /** The commands that it comes to, in their order. */
  commands: readonly Command[];
  events: readonly PendingEvent[];
  /** What would be begun on the customer's services. */
  operations: readonly StartedOperation[];
  timers: readonly TimerChange[];
}

/** Thrown to undo a transaction whose outcome is all that was wanted. */
export class Undo extends Error {
  constructor(readonly preview: Preview) {
    super('this was a dry run');
  }
}
