import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { customerView } from '../customers/customer.js';
import { hookErrors, lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import { onboardingInput } from './onboarding.js';

const route = routeFor<LifecycleScope>();

/** Onboarding. */
export const onboardingRoutes = [
  route({
    name: 'onboardCustomer',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/onboard',
    tag: 'Customer lifecycle',
    summary: 'Onboard a verified customer',
    description:
      'Takes the customer through onboarding to active, also one that was marked as churning before it got so far. ' +
      'While items of the checklist are missing it stays in onboarding, and `next_actions` lists them; ask again with ' +
      'what they need.',
    permission: 'lifecycle:write',
    params: z.object({ id }),
    body: onboardingInput,
    output: customerView,
    idempotent: 'by its command',
    errors: [
      lifecycleErrors.CUSTOMER_NOT_FOUND,
      lifecycleErrors.ILLEGAL_TRANSITION,
      lifecycleErrors.CONCURRENT_CHANGE,
      ...hookErrors,
    ],
    run: (lifecycle, { params, body, once }) => lifecycle.onboarding.onboard(params.id, body, once),
  }),
];
