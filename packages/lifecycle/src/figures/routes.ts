import { routeFor } from '@dotmac/core/contract';
import type { LifecycleScope } from '../scope.js';
import { customerFigures, figuresQuery } from './figures.js';

const route = routeFor<LifecycleScope>();

/** Figures of customers. */
export const figuresRoutes = [
  route({
    name: 'getCustomerFigures',
    method: 'GET',
    path: '/customer-lifecycle/figures',
    tag: 'Customer lifecycle',
    summary: 'How customers come, stay and go',
    description:
      'Funnel, cohorts, churn and tenure, reckoned from the history of every customer; 60 months at the most.',
    permission: 'lifecycle:read',
    query: figuresQuery,
    output: customerFigures,
    run: (lifecycle, { query, signal }) => lifecycle.figures.read({ ...query, signal }),
  }),
];
