import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import { registration } from '../customers/customer.js';
import { commandExplanation, dryRun, dryRunInput, serviceDryRunInput } from './explanation.js';
import { permissionOf } from './permission.js';

const route = routeFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });

/** What may be done to a customer, and what it would do. */
export const commandRoutes = [
  route({
    name: 'explainCustomerCommands',
    method: 'GET',
    path: '/customer-lifecycle/customers/{id}/commands',
    tag,
    summary: 'What may be done to a customer now, and why the rest may not',
    permission: 'lifecycle:read',
    params,
    output: z.array(commandExplanation),
    errors: [lifecycleErrors.CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId } }) => lifecycle.commands.explain(customerId),
  }),
  route({
    name: 'dryRunCustomerCommand',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/dry-run',
    tag,
    summary: 'What a command would do',
    description:
      'It is carried out and undone: events, services and timers are those that it would make. Hooks are named, and none ' +
      'is called. Of `verify` no token is looked at. Of `erase` it needs `lifecycle:privacy` besides.',
    permission: 'lifecycle:write',
    alsoNeeds: ({ body: { command } }) => permissionOf(command),
    params,
    body: dryRunInput,
    output: dryRun,
    errors: [
      lifecycleErrors.CUSTOMER_NOT_FOUND,
      lifecycleErrors.SERVICE_TEMPLATE_NOT_FOUND,
      lifecycleErrors.INVALID_SERVICE_CONFIG,
    ],
    run: (lifecycle, { params: { id: customerId }, body }) => lifecycle.commands.dryRun(customerId, body),
  }),
  route({
    name: 'dryRunRegistration',
    method: 'POST',
    path: '/customer-lifecycle/register/dry-run',
    tag,
    summary: 'What a registration would do',
    description: 'It is carried out and undone: nobody is written to, and no name is taken.',
    permission: 'lifecycle:write',
    body: registration,
    output: dryRun,
    run: (lifecycle, { body }) => lifecycle.commands.dryRunRegistration(body),
  }),
  route({
    name: 'dryRunServiceCommand',
    method: 'POST',
    path: '/customer-lifecycle/services/{id}/dry-run',
    tag,
    summary: 'What a command on a service would do',
    description: 'As of a command on its customer.',
    permission: 'lifecycle:write',
    params,
    body: serviceDryRunInput,
    output: dryRun,
    errors: [
      lifecycleErrors.SERVICE_NOT_FOUND,
      lifecycleErrors.SERVICE_TEMPLATE_NOT_FOUND,
      lifecycleErrors.INVALID_SERVICE_CONFIG,
      lifecycleErrors.TEMPLATE_NOT_REGISTERED,
    ],
    run: (lifecycle, { params: { id: serviceId }, body }) => lifecycle.commands.dryRunService(serviceId, body),
  }),
];
