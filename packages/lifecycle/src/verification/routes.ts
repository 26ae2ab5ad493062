import { id, message, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { customerView } from '../customers/customer.js';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../lifecycle.js';
import { resendInput, verificationInput } from './verification.js';

const route = routeFor<LifecycleScope>();
const shared = {
  method: 'POST',
  tag: 'Customer lifecycle',
  permission: 'lifecycle:write',
  params: z.object({ id }),
} as const;

/** Verification: consume a token, ask for a new one. */
export const verificationRoutes = [
  route({
    ...shared,
    name: 'verifyCustomer',
    path: '/customer-lifecycle/customers/{id}/verify',
    summary: 'Verify an email address or telephone',
    description:
      'Consumes a token, once. A link is good for 24 hours, a code for 10 minutes; after five wrong tries only a new ' +
      'one helps. The answer does not tell wrong from expired.',
    body: verificationInput,
    output: customerView,
    errors: [
      lifecycleErrors.CUSTOMER_NOT_FOUND,
      lifecycleErrors.ILLEGAL_TRANSITION,
      lifecycleErrors.CONCURRENT_CHANGE,
      lifecycleErrors.VERIFICATION_FAILED,
      lifecycleErrors.VERIFICATION_LOCKED,
    ],
    run: (lifecycle, { params, body }) => lifecycle.verification.verify(params.id, body),
  }),
  route({
    ...shared,
    name: 'resendVerification',
    path: '/customer-lifecycle/customers/{id}/verification',
    summary: 'Send a new verification token',
    description: 'Takes the place of the token before. Five an hour and channel at the most.',
    body: resendInput,
    output: message,
    errors: [
      lifecycleErrors.CUSTOMER_NOT_FOUND,
      lifecycleErrors.ILLEGAL_TRANSITION,
      lifecycleErrors.CHANNEL_MISSING,
      lifecycleErrors.VERIFICATION_RESEND_LIMITED,
    ],
    run: (lifecycle, { params, body }) => lifecycle.verification.resend(params.id, body),
  }),
];
