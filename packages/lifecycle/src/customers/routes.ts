import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../lifecycle.js';
import { customerView, registration } from './customer.js';
import { customerSummary } from './summary.js';

const route = routeFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });
const rejection = z
  .object({ reason: z.string().trim().min(1).max(1_000).nullish().meta({ description: 'In your own words' }) })
  .meta({ id: 'CustomerRejection' });
const commandErrors = [
  lifecycleErrors.CUSTOMER_NOT_FOUND,
  lifecycleErrors.ILLEGAL_TRANSITION,
  lifecycleErrors.CONCURRENT_CHANGE,
];

/** Customers: register, approve, read. */
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
    idempotent: true,
    errors: [lifecycleErrors.CUSTOMER_EXISTS],
    run: (lifecycle, { body }) => lifecycle.customers.register(body),
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
    name: 'approveCustomer',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/approve',
    tag,
    summary: 'Approve a registration',
    description: 'Of a customer registered with `requires_approval`.',
    permission: 'lifecycle:write',
    params,
    output: customerView,
    errors: commandErrors,
    run: (lifecycle, { params: { id: customerId } }) => lifecycle.customers.approve(customerId),
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
    body: rejection,
    output: customerView,
    errors: commandErrors,
    run: (lifecycle, { params: { id: customerId }, body }) => lifecycle.customers.reject(customerId, body),
  }),
];
