import { z } from 'zod';
import { reasonInput } from '../customers/reason.js';
import type { Command } from '../customers/transitions.js';
import { onboardingInput } from '../onboarding/onboarding.js';
import { eraseInput } from '../privacy/erase-input.js';
import { serviceRequestInput } from '../services/input.js';
import { promiseEndInput, promiseInput, reactivationInput, suspensionInput } from '../suspension/suspension.js';

/** What each command takes, as over its own route. */
export const ownInputs = {
  approve: z.object({}),
  reject: reasonInput,
  startOnboarding: onboardingInput,
  requestService: serviceRequestInput,
  suspend: suspensionInput,
  throttle: suspensionInput,
  reactivate: reactivationInput,
  promise: promiseInput,
  endPromise: promiseEndInput,
  markChurning: reasonInput,
  winBack: reasonInput,
  deactivate: reasonInput,
  delete: reasonInput,
  restore: reasonInput,
  erase: eraseInput,
} as const satisfies Partial<Record<Command, z.ZodObject>>;
