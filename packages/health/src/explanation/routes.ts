import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../scope.js';
import { explanation } from './explain.js';

const route = routeFor<HealthScope>();

/** Why things are as they are. */
export const explanationRoutes = [
  route({
    name: 'explainEndpoint',
    method: 'GET',
    path: '/network-monitoring/endpoints/{id}/explanation',
    tag: 'Network monitoring',
    summary: 'Say why an endpoint is in the state that it is in',
    permission: 'health:read',
    params: z.object({ id }),
    output: explanation,
    errors: [healthErrors.ENDPOINT_NOT_FOUND],
    run: (health, { params: { id: endpointId } }) => health.explain(endpointId),
  }),
];
