import { describeError, isOperationError, type OperationError } from '@dotmac/core';
import { maintenanceErrors } from '../errors.js';
import type { TaskContext } from './task.js';

/** Why the work of one policy ended before it was done. */
export interface Setback {
  /** `unconfirmed`: more would have gone than may go unasked. */
  outcome: 'failed' | 'unconfirmed';
  /** What went wrong; undefined when it only waits. */
  fault: OperationError | undefined;
  message: string;
}

/** What a policy's work failed by, for callers; of what nobody foresaw the log alone has the words. */
export function failureOf({ logger }: Pick<TaskContext, 'logger'>, policy: string, error: unknown): OperationError {
  const isOurs = isOperationError(error);
  logger[isOurs ? 'warn' : 'error']({ policy, ...describeError(error) }, 'the work of a policy failed');
  return isOurs ? error : maintenanceErrors.POLICY_FAILED({ policy }, { cause: error });
}

/**
 * Tells of a policy whose work ended by an error, which keeps none of the others from its turn: one that nobody foresaw, too, of
 * which the log alone has the words. Throws what ends the run.
 */
export function setback(
  context: Pick<TaskContext, 'signal' | 'logger' | 'note'>,
  policy: string,
  error: unknown,
): Setback {
  const { signal, note } = context;
  if (signal.aborted) throw error;
  if (isOperationError(error, 'CONFIRMATION_NEEDED')) {
    note(`${policy}: waits for a confirmation. ${error.message}`);
    return { outcome: 'unconfirmed', fault: undefined, message: error.message };
  }
  const fault = failureOf(context, policy, error);
  note(`${policy}: failed. ${fault.message}`);
  return { outcome: 'failed', fault, message: fault.message };
}
