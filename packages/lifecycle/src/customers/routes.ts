import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { hookErrors, lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import { customerView, linkInput, registration } from './customer.js';
import { customerRecord } from './customer-record.js';
import { profileInput } from './profile.js';
import { reasonInput } from './reason.js';
import { customerSummary } from './summary.js';

const route = routeFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });
const commandErrors = [
  lifecycleErrors.CUSTOMER_NOT_FOUND,
  lifecycleErrors.ILLEGAL_TRANSITION,
  lifecycleErrors.CONCURRENT_CHANGE,
  ...hookErrors,
];

const departure = {
  method: 'POST',
  tag,
  permission: 'lifecycle:write',
  params,
  body: reasonInput,
  output: customerView,
  idempotent: 'by its command',
  errors: commandErrors,
} as const;

/** Customers: register, approve, read, part with. */
export const customerRoutes = [
  route({
    name: 'registerCustomer',
    method: 'POST',
    path: '/customer-lifecycle/register',
    tag,
    summary: 'Register a customer',
    description: 'A verification token is sent to the email address, and a code to the telephone if there is one.',
    permission: 'lifecycle:write',
    body: registration,
    output: customerView,
    status: 201,
    location: ({ id: customerId }) => `/customer-lifecycle/customers/${customerId}`,
    idempotent: 'by its command',
    errors: [lifecycleErrors.CUSTOMER_EXISTS, ...hookErrors],
    run: (lifecycle, { body, once }) => lifecycle.customers.register(body, once),
  }),
  route({
    name: 'getCustomer',
    method: 'GET',
    path: '/customer-lifecycle/customers/{id}',
    tag,
    summary: 'Get a customer',
    permission: 'lifecycle:read',
    params,
    output: customerView,
    errors: [lifecycleErrors.CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId } }) => lifecycle.customers.get(customerId),
  }),
  route({
    name: 'readCustomerRecord',
    method: 'GET',
    path: '/customer-lifecycle/customers/{id}/record',
    tag,
    summary: 'All that is kept of a customer',
    description:
      'Its attributes, consents and onboarding data, and what was said of its open reasons. No tokens, and nothing of ' +
      'what happened to it: that is in its events.',
    permission: 'lifecycle:read',
    params,
    output: customerRecord,
    errors: [lifecycleErrors.CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId } }) => lifecycle.customers.record(customerId),
  }),
  route({
    name: 'updateCustomer',
    method: 'PATCH',
    path: '/customer-lifecycle/customers/{id}',
    tag,
    summary: 'Change what is known of a customer',
    description: 'What is left out stays as it is. A new address is not verified: it is sent a token.',
    permission: 'lifecycle:write',
    params,
    body: profileInput,
    output: customerView,
    idempotent: 'by its command',
    errors: [
      lifecycleErrors.CUSTOMER_NOT_FOUND,
      lifecycleErrors.CUSTOMER_ERASED,
      lifecycleErrors.CUSTOMER_EXISTS,
      lifecycleErrors.CONCURRENT_CHANGE,
      ...hookErrors,
    ],
    run: (lifecycle, { params: { id: customerId }, body, once }) => lifecycle.customers.update(customerId, body, once),
  }),
  route({
    name: 'summarizeCustomer',
    method: 'GET',
    path: '/customer-lifecycle/customers/{id}/summary',
    tag,
    summary: 'What a customer went through',
    description: 'Its last hundred events, stages and services.',
    permission: 'lifecycle:read',
    params,
    output: customerSummary,
    errors: [lifecycleErrors.CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId } }) => lifecycle.customers.summary(customerId),
  }),
  route({
    name: 'linkCustomer',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/link',
    tag,
    summary: 'Link a customer to a user of your own application',
    description: 'Find it by that id with `GET /customer-lifecycle/customers?external_id=…`.',
    permission: 'lifecycle:write',
    params,
    body: linkInput,
    output: customerView,
    idempotent: 'by its command',
    errors: [
      lifecycleErrors.CUSTOMER_NOT_FOUND,
      lifecycleErrors.CUSTOMER_ERASED,
      lifecycleErrors.CUSTOMER_EXISTS,
      lifecycleErrors.CONCURRENT_CHANGE,
      ...hookErrors,
    ],
    run: (lifecycle, { params: { id: customerId }, body, once }) => lifecycle.customers.link(customerId, body, once),
  }),
  route({
    name: 'approveCustomer',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/approve',
    tag,
    summary: 'Approve a registration',
    description: 'Of a customer registered with `requires_approval`; it is sent its tokens.',
    permission: 'lifecycle:write',
    params,
    output: customerView,
    idempotent: 'by its command',
    errors: commandErrors,
    run: (lifecycle, { params: { id: customerId }, once }) => lifecycle.customers.approve(customerId, once),
  }),
  route({
    name: 'rejectCustomer',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/reject',
    tag,
    summary: 'Reject a registration',
    description: 'Of a customer registered with `requires_approval`; it becomes inactive.',
    permission: 'lifecycle:write',
    params,
    body: reasonInput,
    output: customerView,
    idempotent: 'by its command',
    errors: commandErrors,
    run: (lifecycle, { params: { id: customerId }, body, once }) => lifecycle.customers.reject(customerId, body, once),
  }),
  route({
    ...departure,
    name: 'markCustomerChurning',
    path: '/customer-lifecycle/customers/{id}/mark-churning',
    summary: 'Mark a customer as about to leave',
    description: 'Also one who was verified and never got to be active: it is `pending` still.',
    run: (lifecycle, { params: { id: customerId }, body, once }) =>
      lifecycle.customers.markChurning(customerId, body, once),
  }),
  route({
    ...departure,
    name: 'winBackCustomer',
    path: '/customer-lifecycle/customers/{id}/win-back',
    summary: 'Take a customer back',
    description:
      'One about to leave is active again, or where it was not active before, back in onboarding; one who had left ' +
      'goes through onboarding again.',
    run: (lifecycle, { params: { id: customerId }, body, once }) => lifecycle.customers.winBack(customerId, body, once),
  }),
  route({
    ...departure,
    name: 'deactivateCustomer',
    path: '/customer-lifecycle/customers/{id}/deactivate',
    summary: 'End it with a customer',
    description: 'Its services are taken down.',
    run: (lifecycle, { params: { id: customerId }, body, once }) =>
      lifecycle.customers.deactivate(customerId, body, once),
  }),
  route({
    ...departure,
    name: 'deleteCustomer',
    path: '/customer-lifecycle/customers/{id}/delete',
    summary: 'Mark a customer as deleted',
    description: 'Its services are taken down; what is kept of it stays.',
    run: (lifecycle, { params: { id: customerId }, body, once }) => lifecycle.customers.delete(customerId, body, once),
  }),
  route({
    ...departure,
    name: 'restoreCustomer',
    path: '/customer-lifecycle/customers/{id}/restore',
    summary: 'Take back a deletion',
    description: 'The customer is inactive then.',
    run: (lifecycle, { params: { id: customerId }, body, once }) => lifecycle.customers.restore(customerId, body, once),
  }),
];
