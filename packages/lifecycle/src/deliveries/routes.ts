import { id, message, page, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import { parkedDelivery, parkedQuery, replayInput } from './parked.js';

const route = routeFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });

/** What could not be delivered, and trying again. */
export const deliveryRoutes = [
  route({
    name: 'listParkedDeliveries',
    method: 'GET',
    path: '/customer-lifecycle/parked-deliveries',
    tag,
    summary: 'What hooks, senders and subscribers could not be told',
    description: 'Given up after all attempts, oldest first; a parked delivery holds nobody up.',
    permission: 'lifecycle:read',
    query: parkedQuery,
    output: page(parkedDelivery).meta({ id: 'ParkedDeliveryPage' }),
    run: (lifecycle, { query }) => lifecycle.deliveries.parked(query),
  }),
  route({
    name: 'retryParkedDelivery',
    method: 'POST',
    path: '/customer-lifecycle/parked-deliveries/{id}/retry',
    tag,
    summary: 'Try a parked delivery again',
    permission: 'lifecycle:write',
    params,
    output: message,
    errors: [lifecycleErrors.DELIVERY_NOT_FOUND],
    run: (lifecycle, { params: { id: deliveryId } }) => lifecycle.deliveries.retry(deliveryId),
  }),
  route({
    name: 'discardParkedDelivery',
    method: 'DELETE',
    path: '/customer-lifecycle/parked-deliveries/{id}',
    tag,
    summary: 'Remove a parked delivery',
    description: 'It is never made. The history of the customer that it is about says who removed it.',
    permission: 'lifecycle:write',
    params,
    output: message,
    errors: [lifecycleErrors.DELIVERY_NOT_FOUND],
    run: (lifecycle, { params: { id: deliveryId } }) => lifecycle.deliveries.discard(deliveryId),
  }),
  route({
    name: 'replayCustomerHook',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/replay',
    tag,
    summary: 'Run a hook once more for a customer',
    description:
      'An `afterCommit` hook of your own, with the state that the customer, and the service that it was about, has now.',
    permission: 'lifecycle:write',
    params,
    body: replayInput,
    output: message,
    status: 202,
    errors: [
      lifecycleErrors.CUSTOMER_NOT_FOUND,
      lifecycleErrors.HOOK_NOT_FOUND,
      lifecycleErrors.SERVICE_NOT_FOUND,
      lifecycleErrors.OPERATION_NOT_FOUND,
    ],
    run: (lifecycle, { params: { id: customerId }, body }) => lifecycle.deliveries.replay(customerId, body),
  }),
];
