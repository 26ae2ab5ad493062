import { routeFor } from '@dotmac/core/contract';
import type { LifecycleScope } from '../scope.js';
import { customerListQuery, customerPage } from './query.js';

const route = routeFor<LifecycleScope>();

/** Finding customers. */
export const searchRoutes = [
  route({
    name: 'listCustomers',
    method: 'GET',
    path: '/customer-lifecycle/customers',
    tag: 'Customer lifecycle',
    summary: 'List and search customers',
    description:
      'Newest first unless another order is asked for; filters may be joined. With several a page can hold fewer than ' +
      '`limit`, even none, and a `next_cursor`: so many were looked at that it ended. Go on until `next_cursor` is null.',
    permission: 'lifecycle:read',
    query: customerListQuery,
    output: customerPage,
    run: (lifecycle, { query }) => lifecycle.customers.list(query),
  }),
];
