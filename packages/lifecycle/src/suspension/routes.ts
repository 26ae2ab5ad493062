import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { customerView } from '../customers/customer.js';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../lifecycle.js';
import { suspensionInput } from './suspension.js';

const route = routeFor<LifecycleScope>();
const shared = {
  method: 'POST',
  tag: 'Customer lifecycle',
  permission: 'lifecycle:write',
  params: z.object({ id }),
  body: suspensionInput,
  output: customerView,
  errors: [lifecycleErrors.CUSTOMER_NOT_FOUND, lifecycleErrors.ILLEGAL_TRANSITION, lifecycleErrors.CONCURRENT_CHANGE],
} as const;

/** Suspending and reactivating. */
export const suspensionRoutes = [
  route({
    ...shared,
    name: 'suspendCustomer',
    path: '/customer-lifecycle/customers/{id}/suspend',
    summary: 'Suspend a customer',
    description:
      '`action_type` is the class of the reason, e.g. `non_payment` or `abuse`; `suspend` stands for the reason ' +
      '`general`. A customer may be suspended for several reasons at once, each of them once.',
    run: (lifecycle, { params, body }) => lifecycle.suspension.suspend(params.id, body),
  }),
  route({
    ...shared,
    name: 'reactivateCustomer',
    path: '/customer-lifecycle/customers/{id}/reactivate',
    summary: 'Reactivate a customer',
    description:
      '`action_type` names the reason to lift, e.g. `non_payment`; the others stay, and the customer is active again ' +
      'once none is left. `reactivate` lifts the reason `general`, or else the only one that is open; with several ' +
      'open it is a conflict that lists them. `all` lifts every reason.',
    run: (lifecycle, { params, body }) => lifecycle.suspension.reactivate(params.id, body),
  }),
];
