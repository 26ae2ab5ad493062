import { routeFor } from '@dotmac/core/contract';
import type { OperationsScope } from '../scope.js';
import { operationsStatus } from './status.js';

const route = routeFor<OperationsScope>();

/** What only the three domains together can answer. */
export const statusRoutes = [
  route({
    name: 'getOperationsStatus',
    method: 'GET',
    path: '/operations/status',
    tag: 'Operations',
    summary: 'Show network, customers and maintenance at a glance',
    permission: 'operations:read',
    output: operationsStatus,
    run: (operations) => operations.status(),
  }),
];
