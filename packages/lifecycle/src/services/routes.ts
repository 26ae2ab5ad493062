import { id, page, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { hookErrors, lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import { provisioning } from '../provisioning/run.js';
import { promiseEndInput, promiseInput } from '../suspension/suspension.js';
import { serviceDrift } from './drift.js';
import {
  planInput,
  serviceBlockInput,
  serviceListQuery,
  serviceRequestInput,
  serviceUnblockInput,
  terminationInput,
} from './input.js';
import { serviceRequest, serviceView } from './instance.js';
import { serviceRecord } from './service-record.js';

const route = routeFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });
const reading = { method: 'GET', tag, permission: 'lifecycle:read' } as const;
const changing = {
  method: 'POST',
  tag,
  permission: 'lifecycle:write',
  params,
  output: serviceView,
  idempotent: 'by its command',
} as const;
const refusals = [
  lifecycleErrors.SERVICE_NOT_FOUND,
  lifecycleErrors.SERVICE_BUSY,
  lifecycleErrors.CUSTOMER_ERASED,
  lifecycleErrors.CONCURRENT_CHANGE,
  ...hookErrors,
];

/** Services: ask for one, change it, take it down. */
export const serviceRoutes = [
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
    idempotent: 'by its command',
    errors: [
      lifecycleErrors.CUSTOMER_NOT_FOUND,
      lifecycleErrors.ILLEGAL_TRANSITION,
      lifecycleErrors.CONCURRENT_CHANGE,
      lifecycleErrors.SERVICE_TEMPLATE_NOT_FOUND,
      lifecycleErrors.INVALID_SERVICE_CONFIG,
      lifecycleErrors.SERVICE_LIMIT,
      ...hookErrors,
    ],
    run: (lifecycle, { params: { id: customerId }, body, once }) => lifecycle.services.request(customerId, body, once),
  }),
  route({
    ...reading,
    name: 'listServices',
    path: '/customer-lifecycle/services',
    summary: 'List services',
    description: 'Newest first; of one customer or in one status, if asked.',
    query: serviceListQuery,
    output: page(serviceView).meta({ id: 'CustomerServicePage' }),
    run: (lifecycle, { query }) => lifecycle.services.list(query),
  }),
  route({
    ...reading,
    name: 'getService',
    path: '/customer-lifecycle/services/{id}',
    summary: 'Get a service',
    params,
    output: serviceView,
    errors: [lifecycleErrors.SERVICE_NOT_FOUND],
    run: (lifecycle, { params: { id: serviceId } }) => lifecycle.services.get(serviceId),
  }),
  route({
    ...reading,
    name: 'readServiceRecord',
    path: '/customer-lifecycle/services/{id}/record',
    summary: 'All that is kept of a service',
    description: 'With what its steps gave back, and what was said of its own open reasons.',
    params,
    output: serviceRecord,
    errors: [lifecycleErrors.SERVICE_NOT_FOUND],
    run: (lifecycle, { params: { id: serviceId } }) => lifecycle.services.record(serviceId),
  }),
  route({
    ...reading,
    name: 'listServiceRuns',
    path: '/customer-lifecycle/services/{id}/runs',
    summary: 'What was done to a service',
    description: 'Its last hundred runs, newest first.',
    params,
    output: z.array(provisioning),
    errors: [lifecycleErrors.SERVICE_NOT_FOUND],
    run: (lifecycle, { params: { id: serviceId } }) => lifecycle.services.runs(serviceId),
  }),
  route({
    ...reading,
    name: 'checkServiceDrift',
    path: '/customer-lifecycle/services/{id}/drift',
    summary: 'Is what was set up still there?',
    description: 'Asks the systems behind the steps that can be asked; changes nothing.',
    params,
    output: serviceDrift,
    errors: [lifecycleErrors.SERVICE_NOT_FOUND, lifecycleErrors.TEMPLATE_NOT_REGISTERED],
    run: (lifecycle, { params: { id: serviceId }, signal }) => lifecycle.services.drift(serviceId, { signal }),
  }),
  route({
    ...changing,
    name: 'suspendService',
    path: '/customer-lifecycle/services/{id}/suspend',
    summary: 'Throttle or suspend one service',
    description: 'For a reason of its own, besides those of its customer.',
    body: serviceBlockInput,
    errors: refusals,
    run: (lifecycle, { params: { id: serviceId }, body, once }) => lifecycle.services.suspend(serviceId, body, once),
  }),
  route({
    ...changing,
    name: 'resumeService',
    path: '/customer-lifecycle/services/{id}/resume',
    summary: 'Lift a reason of one service',
    description: '`all` lifts every reason of its own; those of its customer stay.',
    body: serviceUnblockInput,
    errors: refusals,
    run: (lifecycle, { params: { id: serviceId }, body, once }) => lifecycle.services.resume(serviceId, body, once),
  }),
  route({
    ...changing,
    name: 'promiseServicePayment',
    path: '/customer-lifecycle/services/{id}/promise',
    summary: 'Leave a reason of one service without effect until a time',
    description: 'For a customer who promised to pay for it. Not lifted by then, the reason takes effect again.',
    body: promiseInput,
    errors: refusals,
    run: (lifecycle, { params: { id: serviceId }, body, once }) => lifecycle.services.promise(serviceId, body, once),
  }),
  route({
    ...changing,
    name: 'endServicePromise',
    path: '/customer-lifecycle/services/{id}/end-promise',
    summary: 'End a promise for one service before its time',
    body: promiseEndInput,
    errors: refusals,
    run: (lifecycle, { params: { id: serviceId }, body, once }) => lifecycle.services.endPromise(serviceId, body, once),
  }),
  route({
    ...changing,
    name: 'changeServicePlan',
    path: '/customer-lifecycle/services/{id}/change-plan',
    summary: 'Change a service’s plan or configuration',
    description: 'By the steps of the template that it changes to; a failure is undone.',
    body: planInput,
    status: 202,
    errors: [
      ...refusals,
      lifecycleErrors.SERVICE_TEMPLATE_NOT_FOUND,
      lifecycleErrors.INVALID_SERVICE_CONFIG,
      lifecycleErrors.PLAN_CHANGE_UNSUPPORTED,
      lifecycleErrors.TEMPLATE_NOT_REGISTERED,
    ],
    run: (lifecycle, { params: { id: serviceId }, body, once }) => lifecycle.services.changePlan(serviceId, body, once),
  }),
  route({
    ...changing,
    name: 'terminateService',
    path: '/customer-lifecycle/services/{id}/terminate',
    summary: 'Take a service down',
    description: 'Once whatever is being done to it is over.',
    body: terminationInput,
    status: 202,
    errors: refusals,
    run: (lifecycle, { params: { id: serviceId }, body, once }) => lifecycle.services.terminate(serviceId, body, once),
  }),
];
