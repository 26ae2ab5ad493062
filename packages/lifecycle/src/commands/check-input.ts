import { isOperationError } from '@dotmac/core';
import { invalidInput, readDraft } from '@dotmac/core/contract';
import { reasonInput } from '../customers/reason.js';
import { eraseInput } from '../privacy/erase-input.js';
import { readPromiseEnd } from '../suspension/promise.js';
import { reasonToOpen } from '../suspension/reasons.js';
import { reactivationInput, suspensionInput } from '../suspension/suspension.js';
import type { TimedCommand } from '../timers/timer.js';
import type { CommandInput } from './input.js';

const opening = (input: CommandInput): unknown => reasonToOpen(readDraft(suspensionInput, input).actionType);
const leaving = (input: CommandInput): unknown => readDraft(reasonInput, input);

/** How each command reads what it is given. */
const readers: Record<TimedCommand, (input: CommandInput) => unknown> = {
  approve: () => undefined,
  reject: leaving,
  suspend: opening,
  throttle: opening,
  reactivate: (input) => readDraft(reactivationInput, input),
  endPromise: (input) => readPromiseEnd(input),
  markChurning: leaving,
  winBack: leaving,
  deactivate: leaving,
  delete: leaving,
  erase: (input) => readDraft(eraseInput, input),
};

/**
 * Looks now whether a command that is given later will take what it is to be given: then there is nobody left to tell.
 * @throws INVALID_INPUT
 */
export function checkInput(command: TimedCommand, input: CommandInput): void {
  try {
    readers[command](input);
  } catch (error) {
    if (!isOperationError(error, 'INVALID_INPUT')) throw error;
    throw invalidInput((error.issues ?? []).map(({ path, message }) => ({ path: `input.${path}`, message })));
  }
}
