import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { customerView } from '../customers/customer.js';
import { hookErrors, lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import { promiseEndInput, promiseInput, reactivationInput, suspensionInput } from './suspension.js';

const route = routeFor<LifecycleScope>();
const shared = {
  method: 'POST',
  tag: 'Customer lifecycle',
  permission: 'lifecycle:write',
  params: z.object({ id }),
  output: customerView,
  idempotent: 'by its command',
  errors: [
    lifecycleErrors.CUSTOMER_NOT_FOUND,
    lifecycleErrors.ILLEGAL_TRANSITION,
    lifecycleErrors.CONCURRENT_CHANGE,
    ...hookErrors,
  ],
} as const;

/** Suspending and reactivating. */
export const suspensionRoutes = [
  route({
    ...shared,
    name: 'suspendCustomer',
    path: '/customer-lifecycle/customers/{id}/suspend',
    summary: 'Suspend a customer',
    body: suspensionInput,
    description:
      '`action_type` is the class of the reason, e.g. `non_payment` or `abuse`; `suspend` stands for the reason ' +
      '`general`. A customer may be suspended for several reasons at once, each of them once. ' +
      'Its services follow. With the severity `throttle` it keeps its stage, and its services are slowed down.',
    run: (lifecycle, { params, body, once }) => lifecycle.suspension.suspend(params.id, body, once),
  }),
  route({
    ...shared,
    name: 'reactivateCustomer',
    path: '/customer-lifecycle/customers/{id}/reactivate',
    summary: 'Reactivate a customer',
    body: reactivationInput,
    description:
      '`action_type` names the reason to lift, e.g. `non_payment`; the others stay, and the customer is active again ' +
      'once none is left. `reactivate` lifts the reason `general`, or else the only one that is open; with several ' +
      'open it is a conflict that lists them. `all` lifts every reason.',
    run: (lifecycle, { params, body, once }) => lifecycle.suspension.reactivate(params.id, body, once),
  }),
  route({
    ...shared,
    name: 'promiseCustomerPayment',
    path: '/customer-lifecycle/customers/{id}/promise',
    summary: 'Leave a reason without effect until a time',
    description: 'For a customer who promised to pay. Not lifted by then, the reason takes effect again.',
    body: promiseInput,
    run: (lifecycle, { params, body, once }) => lifecycle.suspension.promise(params.id, body, once),
  }),
  route({
    ...shared,
    name: 'endCustomerPromise',
    path: '/customer-lifecycle/customers/{id}/end-promise',
    summary: 'End a promise before its time',
    body: promiseEndInput,
    run: (lifecycle, { params, body, once }) => lifecycle.suspension.endPromise(params.id, body, once),
  }),
];
