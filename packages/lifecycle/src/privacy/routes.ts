import { id, message, routeFor, streamRouteFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { customerView } from '../customers/customer.js';
import { hookErrors, lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import { eraseInput } from './erase-input.js';
import { exportLine } from './export-line.js';
import { holdInput, holdName, holdView } from './hold.js';

const route = routeFor<LifecycleScope>();
const streamRoute = streamRouteFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });
const asked = { tag, permission: 'lifecycle:privacy', params } as const;
const { CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, CONCURRENT_CHANGE } = lifecycleErrors;
const { LEGAL_HOLD, SERVICES_REMAIN, CUSTOMER_ERASED, HOLD_LIMIT } = lifecycleErrors;

/** What is held on customers: shown whole, kept for a matter, taken away. */
export const privacyRoutes = [
  streamRoute({
    ...asked,
    name: 'exportCustomer',
    method: 'GET',
    path: '/customer-lifecycle/customers/{id}/export',
    summary: 'All that is held on a customer',
    description: 'Lines of JSON: the customer, its events, services, runs, timers and so on; the last is `end`.',
    stream: 'lines',
    output: exportLine,
    errors: [CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId } }) => lifecycle.privacy.export(customerId),
  }),
  route({
    ...asked,
    name: 'eraseCustomer',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/erase',
    summary: 'Take everything personal away, for good',
    description:
      'Of a customer who is inactive or deleted, whose services are gone, and whom nothing holds. Stages, dates and ' +
      'counts stay.',
    body: eraseInput,
    output: customerView,
    idempotent: 'by its command',
    errors: [CUSTOMER_NOT_FOUND, ILLEGAL_TRANSITION, CONCURRENT_CHANGE, LEGAL_HOLD, SERVICES_REMAIN, ...hookErrors],
    run: (lifecycle, { params: { id: customerId }, body, once }) => lifecycle.privacy.erase(customerId, body, once),
  }),
  route({
    ...asked,
    name: 'listLegalHolds',
    method: 'GET',
    path: '/customer-lifecycle/customers/{id}/legal-holds',
    summary: 'What keeps a customer from being erased',
    output: z.array(holdView),
    errors: [CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId } }) => lifecycle.privacy.holds(customerId),
  }),
  route({
    ...asked,
    name: 'setLegalHold',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/legal-holds',
    summary: 'Keep a customer from being erased',
    description: 'Several matters at once, each lifted by itself. Setting one again leaves it as it is.',
    body: holdInput,
    output: holdView,
    idempotent: 'by its command',
    errors: [CUSTOMER_NOT_FOUND, CUSTOMER_ERASED, HOLD_LIMIT, CONCURRENT_CHANGE, ...hookErrors],
    run: (lifecycle, { params: { id: customerId }, body, once }) => lifecycle.privacy.setHold(customerId, body, once),
  }),
  route({
    ...asked,
    name: 'liftLegalHold',
    method: 'DELETE',
    path: '/customer-lifecycle/customers/{id}/legal-holds/{name}',
    summary: 'Lift a hold',
    params: params.extend({ name: holdName }),
    output: message,
    idempotent: 'by its command',
    errors: [CUSTOMER_NOT_FOUND, CUSTOMER_ERASED, CONCURRENT_CHANGE, ...hookErrors],
    run: (lifecycle, { params: { id: customerId, name }, once }) => lifecycle.privacy.liftHold(customerId, name, once),
  }),
];
