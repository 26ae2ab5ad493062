import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../lifecycle.js';
import { provisioning, serviceRequest, serviceRequestInput } from './run.js';

const route = routeFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });

/** Services: ask for one, see how far it is. */
export const provisioningRoutes = [
  route({
    name: 'requestService',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/services',
    tag,
    summary: 'Request a service for a customer',
    description:
      'Of active customers only. It is set up in the background, step by step; `Location` tells how far it is.',
    permission: 'lifecycle:write',
    params,
    body: serviceRequestInput,
    output: serviceRequest,
    status: 202,
    location: ({ id: requestId }) => `/customer-lifecycle/provisioning/${requestId}`,
    idempotent: true,
    errors: [
      lifecycleErrors.CUSTOMER_NOT_FOUND,
      lifecycleErrors.ILLEGAL_TRANSITION,
      lifecycleErrors.CONCURRENT_CHANGE,
      lifecycleErrors.SERVICE_TEMPLATE_NOT_FOUND,
      lifecycleErrors.INVALID_SERVICE_CONFIG,
    ],
    run: (lifecycle, { params: { id: customerId }, body }) => lifecycle.services.request(customerId, body),
  }),
  route({
    name: 'getProvisioning',
    method: 'GET',
    path: '/customer-lifecycle/provisioning/{id}',
    tag,
    summary: 'How far a requested service is',
    permission: 'lifecycle:read',
    params,
    output: provisioning,
    errors: [lifecycleErrors.PROVISIONING_NOT_FOUND],
    run: (lifecycle, { params: { id: requestId } }) => lifecycle.services.get(requestId),
  }),
];
