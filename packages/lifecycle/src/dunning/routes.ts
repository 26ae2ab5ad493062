import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import { dunningView, overdueInput, paidInput } from './case.js';

const route = routeFor<LifecycleScope>();
const shared = {
  tag: 'Customer lifecycle',
  params: z.object({ id }),
} as const;
const changing = { ...shared, method: 'POST', permission: 'lifecycle:write', output: dunningView } as const;
const refusals = [
  lifecycleErrors.CUSTOMER_NOT_FOUND,
  lifecycleErrors.CUSTOMER_ERASED,
  lifecycleErrors.DUNNING_POLICY_NOT_FOUND,
  lifecycleErrors.CONCURRENT_CHANGE,
];

/** Dunning: what billing says, and where a customer is. */
export const dunningRoutes = [
  route({
    ...shared,
    name: 'getCustomerDunning',
    method: 'GET',
    path: '/customer-lifecycle/customers/{id}/dunning',
    summary: 'Where a customer is in dunning',
    description: 'By policy: the invoices that are not paid, and what is done next, and when.',
    permission: 'lifecycle:read',
    output: z.array(dunningView),
    errors: [lifecycleErrors.CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId } }) => lifecycle.dunning.get(customerId),
  }),
  route({
    ...changing,
    name: 'reportInvoiceOverdue',
    path: '/customer-lifecycle/customers/{id}/dunning/overdue',
    summary: 'An invoice became overdue',
    description: 'From your billing. Saying it again changes nothing.',
    body: overdueInput,
    errors: [...refusals, lifecycleErrors.INVOICE_LIMIT],
    run: (lifecycle, { params: { id: customerId }, body }) => lifecycle.dunning.overdue(customerId, body),
  }),
  route({
    ...changing,
    name: 'reportInvoicePaid',
    path: '/customer-lifecycle/customers/{id}/dunning/paid',
    summary: 'An invoice, or everything, is paid',
    description:
      'The last one lifts the suspension; a hook on `customer.reactivate` is asked once the payment is recorded.',
    body: paidInput,
    errors: [...refusals, lifecycleErrors.ILLEGAL_TRANSITION],
    run: (lifecycle, { params: { id: customerId }, body }) => lifecycle.dunning.paid(customerId, body),
  }),
];
