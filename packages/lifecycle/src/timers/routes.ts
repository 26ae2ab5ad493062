import { id, message, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { permissionOf } from '../commands/permission.js';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import { timerInput, timerName, timerView } from './view.js';

const route = routeFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });

/** What the timer of a name that there is needs: who may not give its command does not keep it from being given. */
const neededBy = async ({ timers }: LifecycleScope, customerId: string, name: string) => {
  const found = (await timers.list(customerId)).find((timer) => timer.name === name);
  return found && permissionOf(found.command);
};

/** Commands to be given later. */
export const timerRoutes = [
  route({
    name: 'listCustomerTimers',
    method: 'GET',
    path: '/customer-lifecycle/customers/{id}/timers',
    tag,
    summary: 'What will be done to a customer, and when',
    permission: 'lifecycle:read',
    params,
    output: z.array(timerView),
    errors: [lifecycleErrors.CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId } }) => lifecycle.timers.list(customerId),
  }),
  route({
    name: 'setCustomerTimer',
    method: 'POST',
    path: '/customer-lifecycle/customers/{id}/timers',
    tag,
    summary: 'Give a command later',
    description:
      'A timer of the same name is moved. When the time has come the command is judged by the stage that the customer ' +
      'has then; not legal any more, it is not given, and the history says so. An erasure that something keeps from being ' +
      'done is put off by a day, again and again. `erase` needs `lifecycle:privacy` besides, and so does moving it.',
    permission: 'lifecycle:write',
    alsoNeeds: ({ params: { id: customerId }, body: { command, name } }, lifecycle) =>
      permissionOf(command) ?? neededBy(lifecycle, customerId, name),
    params,
    body: timerInput,
    output: timerView,
    errors: [lifecycleErrors.CUSTOMER_NOT_FOUND, lifecycleErrors.CUSTOMER_ERASED, lifecycleErrors.TIMER_LIMIT],
    run: (lifecycle, { params: { id: customerId }, body }) => lifecycle.timers.set(customerId, body),
  }),
  route({
    name: 'clearCustomerTimer',
    method: 'DELETE',
    path: '/customer-lifecycle/customers/{id}/timers/{name}',
    tag,
    summary: 'Take a timer away',
    description:
      'The history says so. Timers that dunning, journeys, services and promises set by themselves stay. One of `erase` ' +
      'needs `lifecycle:privacy` besides.',
    permission: 'lifecycle:write',
    alsoNeeds: ({ params: { id: customerId, name } }, lifecycle) => neededBy(lifecycle, customerId, name),
    params: params.extend({ name: timerName }),
    output: message,
    errors: [lifecycleErrors.CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId, name } }) => lifecycle.timers.clear(customerId, name),
  }),
];
