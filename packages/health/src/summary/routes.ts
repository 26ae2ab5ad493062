import { routeFor } from '@dotmac/core/contract';
import type { HealthScope } from '../scope.js';
import { healthSummary } from './summary.js';

const route = routeFor<HealthScope>();

/** The network at a glance. */
export const summaryRoutes = [
  route({
    name: 'getNetworkHealth',
    method: 'GET',
    path: '/network-monitoring/health',
    tag: 'Network monitoring',
    summary: 'Show the health of all endpoints',
    description: 'Answers from kept state: asking never checks anything.',
    permission: 'health:read',
    output: healthSummary,
    run: (health) => health.summary(),
  }),
];
