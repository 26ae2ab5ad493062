import { isDeepStrictEqual } from 'node:util';
import type { ScopeIdentity } from '@dotmac/core';
import { readDraft } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import type { Customer, CustomerView } from '../customers/customer.js';
import { viewOf } from '../customers/next-actions.js';
import { perform } from '../customers/perform.js';
import type { CommandOptions } from '../customers/command-options.js';
import { checkFacts } from '../customers/facts.js';
import type { Step } from '../customers/step.js';
import { destination, type Command } from '../customers/transitions.js';
import { missingKeys } from './checklist.js';
import { onboardingInput, type OnboardingDraft } from './onboarding.js';

type OnboardingEvent = 'customer.onboarding_started' | 'customer.onboarding_progressed' | 'customer.activated';

/** Onboards one tenant's customers. */
export interface OnboardingService {
  /**
   * Takes a verified customer through onboarding to active, in one transaction; also one that was marked as churning
   * before it got so far. With items of the checklist missing, it stays in onboarding with what was given kept; asked
   * again, it goes on.
   * @throws CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, INVALID_INPUT (also for what is more than 64 KiB of JSON with what was
   * given before)
   */
  onboard(customerId: string, draft?: OnboardingDraft, options?: CommandOptions): Promise<CustomerView>;
}

/** The onboarding of one scope. */
export function onboardingService(context: LifecycleContext, identity: ScopeIdentity): OnboardingService {
  const { clock, checklist } = context;
  return {
    async onboard(customerId, draft = {}, options) {
      const input = readDraft(onboardingInput, draft);
      const withData = (customer: Customer): Customer => ({
        ...customer,
        onboardingData: { ...customer.onboardingData, ...input.onboardingData },
      });
      const missing = (customer: Customer): string[] => missingKeys(checklist, withData(customer));
      const isNew = (customer: Customer): boolean =>
        !isDeepStrictEqual(withData(customer).onboardingData, customer.onboardingData);
      const take = (command: Command, name: OnboardingEvent, applies: (customer: Customer) => boolean): Step => ({
        command,
        input,
        applies,
        facts: (customer) => ({ missing: missing(customer) }),
        decide(customer, transition) {
          const to = destination(transition, customer.blocks);
          const { onboardingData } = withData(customer);
          if (isNew(customer)) checkFacts('onboarding_data', customer.onboardingData, onboardingData);
          return { patch: { onboardingData, stage: to }, event: { name, data: { from: customer.stage, to } } };
        },
      });
      const steps = [
        take('startOnboarding', 'customer.onboarding_started', ({ stage }) => stage !== 'onboarding'),
        take('progressOnboarding', 'customer.onboarding_progressed', (it) => missing(it).length > 0 && isNew(it)),
        take('completeOnboarding', 'customer.activated', (it) => missing(it).length === 0),
      ];
      const view = (customer: Customer): CustomerView => viewOf(customer, checklist, clock.now());
      return perform(context, identity, customerId, steps, view, options);
    },
  };
}
