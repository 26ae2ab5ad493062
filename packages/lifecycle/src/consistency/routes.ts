import { streamRouteFor } from '@dotmac/core/contract';
import type { LifecycleScope } from '../scope.js';
import { driftLine, driftQuery } from './drift-line.js';
import { consistencyLine, consistencyQuery } from './report.js';

const route = streamRouteFor<LifecycleScope>();

/** Checking what is kept. */
export const consistencyRoutes = [
  route({
    name: 'checkCustomerConsistency',
    method: 'POST',
    path: '/customer-lifecycle/consistency-check',
    tag: 'Customer lifecycle',
    summary: 'Check that every customer, and every service, is what its history says',
    description:
      'A line of JSON for each customer that differs, one now and then that says how far it is, and one at the end. It ' +
      'stops when the client goes away. Changes nothing, unless asked to repair what customers are found by, or services ' +
      'that do not follow them.',
    permission: 'lifecycle:write',
    query: consistencyQuery,
    stream: 'lines',
    output: consistencyLine,
    run: (lifecycle, { query, signal }) => lifecycle.consistency.check({ ...query, signal }),
  }),
  route({
    name: 'checkServicesDrift',
    method: 'POST',
    path: '/customer-lifecycle/drift-check',
    tag: 'Customer lifecycle',
    summary: 'Is what was set up for services still there?',
    description:
      'Asks the systems behind every service that is active or suspended, as far as its steps can be asked. A line of JSON ' +
      'for each that is not as it should be, one now and then that says how far it is, and one at the end with the counts. ' +
      'It stops when the client goes away. Changes nothing.',
    permission: 'lifecycle:write',
    query: driftQuery,
    stream: 'lines',
    output: driftLine,
    run: (lifecycle, { query, signal }) => lifecycle.consistency.drift({ ...query, signal }),
  }),
];
