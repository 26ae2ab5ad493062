import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../health.js';
import { mostHours, trend } from './trend.js';

const route = routeFor<HealthScope>();

/** What endpoints did. */
export const historyRoutes = [
  route({
    name: 'getEndpointTrends',
    method: 'GET',
    path: '/network-monitoring/endpoints/{id}/trends',
    tag: 'Network monitoring',
    summary: 'Show how an endpoint did over the last hours',
    description: 'Availability counts healthy and degraded checks among those whose outcome is known.',
    permission: 'health:read',
    params: z.object({ id }),
    query: z.object({ hours: z.coerce.number().int().min(1).max(mostHours).default(24) }),
    output: trend,
    errors: [healthErrors.ENDPOINT_NOT_FOUND],
    run: (health, { params, query }) => health.history.trend(params.id, query.hours),
  }),
];
