import { isOperationError } from '@dotmac/core';
import { invalidInput, readDraft } from '@dotmac/core/contract';
import { checkFacts } from '../customers/facts.js';
import { reasonInput } from '../customers/reason.js';
import type { Command } from '../customers/transitions.js';
import { onboardingInput } from '../onboarding/onboarding.js';
import { eraseInput } from '../privacy/erase-input.js';
import { serviceRequestInput } from '../services/input.js';
import { readPromise, readPromiseEnd } from '../suspension/promise.js';
import { reasonToOpen } from '../suspension/reasons.js';
import { reactivationInput, suspensionInput, type PromiseDraft } from '../suspension/suspension.js';
import type { CommandInput } from './input.js';

const opening = (input: CommandInput): unknown => reasonToOpen(readDraft(suspensionInput, input).actionType);
const leaving = (input: CommandInput): unknown => readDraft(reasonInput, input);

/** The commands whose input is checked before there is a customer to give them to. */
type CheckedCommand = Exclude<Command, 'verify' | 'progressOnboarding' | 'completeOnboarding'>;

/** How each command reads what it is given. */
const readers: Record<CheckedCommand, (input: CommandInput) => unknown> = {
  approve: () => undefined,
  reject: leaving,
  startOnboarding(input) {
    const { onboardingData } = readDraft(onboardingInput, input);
    checkFacts('onboarding_data', {}, onboardingData);
  },
  requestService: (input) => readDraft(serviceRequestInput, input),
  suspend: opening,
  throttle: opening,
  reactivate: (input) => readDraft(reactivationInput, input),
  promise: (input) => readPromise(input as PromiseDraft),
  endPromise: (input) => readPromiseEnd(input),
  markChurning: leaving,
  winBack: leaving,
  deactivate: leaving,
  delete: leaving,
  restore: leaving,
  erase: (input) => readDraft(eraseInput, input),
};

/**
 * Looks now whether a command that is given later, or to many, will take what it is to be given: then there is nobody left to tell.
 * @throws INVALID_INPUT
 */
export function checkInput(command: CheckedCommand, input: CommandInput): void {
  underInput(() => readers[command](input));
}

/** Says of what is refused that it stands in `input`. @throws INVALID_INPUT */
export function underInput(check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!isOperationError(error, 'INVALID_INPUT')) throw error;
    throw invalidInput((error.issues ?? []).map(({ path, message }) => ({ path: `input.${path}`, message })));
  }
}
