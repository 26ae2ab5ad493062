import { streamRouteFor } from '@dotmac/core/contract';
import type { LifecycleScope } from '../lifecycle.js';
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
      'stops when the client goes away. Changes nothing, unless asked to repair what customers are found by.',
    permission: 'lifecycle:write',
    query: consistencyQuery,
    stream: 'lines',
    output: consistencyLine,
    run: (lifecycle, { query, signal }) => lifecycle.consistency.check({ ...query, signal }),
  }),
];
