import type { HookName } from '../hooks.js';
import type { StartedOperation } from '../services/settle.js';
import type { Timer } from '../timers/timer.js';
import type { Customer } from './customer.js';
import type { PendingEvent } from './record.js';

/** What a command would do. */
export interface Preview {
  /** Null: it would be registered. */
  before: Customer | null;
  after: Customer;
  /** The hooks of what it comes to, in their order; those of the operations come besides. */
  hooks: readonly HookName[];
  events: readonly PendingEvent[];
  /** What would be begun on the customer's services. */
  operations: readonly Pick<StartedOperation, 'service' | 'operation'>[];
  timers: TimerDifference;
}

/** The names of timers that are set, or set anew, and of those that are not there any more. */
export interface TimerDifference {
  set: readonly string[];
  cleared: readonly string[];
}

/** What became of a customer's timers. */
export function timerDifference(before: readonly Timer[], after: readonly Timer[]): TimerDifference {
  const [was, is] = [new Set(before.map(({ id }) => id)), new Set(after.map(({ name }) => name))];
  return {
    set: after.filter(({ id }) => !was.has(id)).map(({ name }) => name),
    cleared: before.filter(({ name }) => !is.has(name)).map(({ name }) => name),
  };
}

/** Thrown to undo a transaction whose outcome is all that was wanted. */
export class Undo extends Error {
  constructor(readonly preview: Preview) {
    super('this was a dry run');
  }
}
