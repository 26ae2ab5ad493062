import { id, message, openRouteFor, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { customerView } from '../customers/customer.js';
import { hookErrors, lifecycleErrors } from '../errors.js';
import type { LifecycleScope, OpenLifecycle } from '../scope.js';
import { addressInput, resendInput, verificationInput } from './verification.js';

const route = routeFor<LifecycleScope>();
const openRoute = openRouteFor<LifecycleScope, OpenLifecycle>();
const open = {
  path: '/customer-lifecycle/verify',
  tag: 'Customer lifecycle',
  query: z.object({ token: z.string().min(1).max(1_000).meta({ description: 'As the link has it' }) }),
  output: z.string(),
  text: 'text/html; charset=utf-8',
  headers: {
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
  },
} as const;
const shared = {
  method: 'POST',
  tag: 'Customer lifecycle',
  permission: 'lifecycle:write',
  params: z.object({ id }),
} as const;

/** Verification: consume a token, ask for a new one. */
export const verificationRoutes = [
  openRoute({
    ...open,
    name: 'showVerificationPage',
    method: 'GET',
    summary: 'The page that a verification link leads to',
    description: 'It asks, and consumes nothing: mail scanners open links too.',
    run: ({ verification }) => verification.page(),
  }),
  openRoute({
    ...open,
    name: 'confirmVerification',
    method: 'POST',
    summary: 'Consume the token of a verification link',
    description: 'What the button of the page does; a page says what came of it.',
    run: ({ verification }, { query: { token } }) => verification.confirm(token),
  }),
  route({
    name: 'resendVerificationByAddress',
    method: 'POST',
    path: '/customer-lifecycle/verification',
    tag: 'Customer lifecycle',
    summary: 'Send a new verification token to whoever has an address',
    description: 'The answer is the same for every address, whether somebody has it or not.',
    permission: 'lifecycle:write',
    body: addressInput,
    output: message,
    status: 202,
    run: (lifecycle, { body }) => lifecycle.verification.resendTo(body),
  }),
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
    idempotent: 'by its command',
    errors: [
      lifecycleErrors.CUSTOMER_NOT_FOUND,
      lifecycleErrors.ILLEGAL_TRANSITION,
      lifecycleErrors.CONCURRENT_CHANGE,
      lifecycleErrors.VERIFICATION_FAILED,
      lifecycleErrors.VERIFICATION_LOCKED,
      ...hookErrors,
    ],
    run: (lifecycle, { params, body, once }) => lifecycle.verification.verify(params.id, body, once),
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
