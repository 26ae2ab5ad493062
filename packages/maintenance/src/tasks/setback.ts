import { describeError, isOperationError, type OperationError } from '@dotmac/core';
import type { TaskContext } from './task.js';

/** Why the work of one policy ended before it was done. */
export interface Setback {
  /** `unconfirmed`: more would have gone than may go unasked. */
  outcome: 'failed' | 'unconfirmed';
  /** What went wrong; undefined when it only waits. */
  fault: OperationError | undefined;
  message: string;
}

/**
 * Tells of a policy whose work ended by an error, which keeps none of the others from its turn. Throws what is not of that
 * policy alone.
 */
export function setback(
  { signal, logger, note }: Pick<TaskContext, 'signal' | 'logger' | 'note'>,
  policy: string,
  error: unknown,
): Setback {
  if (signal.aborted || !isOperationError(error)) throw error;
  const { message } = error;
  if (error.code === 'CONFIRMATION_NEEDED') {
    note(`${policy}: waits for a confirmation. ${message}`);
    return { outcome: 'unconfirmed', fault: undefined, message };
  }
  logger.warn({ policy, ...describeError(error) }, 'the work of a policy failed');
  note(`${policy}: failed. ${message}`);
  return { outcome: 'failed', fault: error, message };
}
