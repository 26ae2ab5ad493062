import { id, page, pageQuery, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../scope.js';
import { shownResult } from './shown-result.js';
import { trend, trendQuery } from './trend.js';

const route = routeFor<HealthScope>();
const tag = 'Network monitoring';
const params = z.object({ id });

/** What endpoints did. */
export const historyRoutes = [
  route({
    name: 'getEndpointTrends',
    method: 'GET',
    path: '/network-monitoring/endpoints/{id}/trends',
    tag,
    summary: 'Show how an endpoint did over the last hours, or any window of the last 400 days',
    description: 'Availability counts healthy and degraded checks among those whose outcome is known.',
    permission: 'health:read',
    params,
    query: trendQuery,
    output: trend,
    errors: [healthErrors.ENDPOINT_NOT_FOUND],
    run: (health, { params: { id: endpointId }, query }) => health.history.trend(endpointId, query),
  }),
  route({
    name: 'listEndpointResults',
    method: 'GET',
    path: '/network-monitoring/endpoints/{id}/results',
    tag,
    summary: 'List the kept checks of an endpoint, newest first',
    description:
      'The last checks one by one, or, with `kind=issues`, the last that were not healthy: they are kept longer.',
    permission: 'health:read',
    params,
    query: pageQuery.extend({
      kind: z
        .enum(['recent', 'issues'])
        .default('recent')
        .meta({ description: 'The last results, or the last that were not healthy' }),
    }),
    output: page(shownResult).meta({ id: 'CheckResultPage' }),
    errors: [healthErrors.ENDPOINT_NOT_FOUND],
    run: (health, { params: { id: endpointId }, query }) => health.history.results(endpointId, query),
  }),
];
