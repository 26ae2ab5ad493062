import { id, message, page, pageQuery, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../health.js';
import { endpoint, endpointInput } from './endpoint.js';

const route = routeFor<HealthScope>();
const tag = 'Network monitoring';
const params = z.object({ id });

/** Endpoints: register, read, remove. */
export const endpointRoutes = [
  route({
    name: 'registerEndpoint',
    method: 'POST',
    path: '/network-monitoring/endpoints',
    tag,
    summary: 'Register an endpoint',
    description: 'It is checked within a second or so, and then on its own interval.',
    permission: 'health:write',
    body: endpointInput,
    output: endpoint,
    status: 201,
    location: ({ id: endpointId }) => `/network-monitoring/endpoints/${endpointId}`,
    idempotent: true,
    errors: [healthErrors.ENDPOINT_LIMIT_REACHED],
    run: (health, { body }) => health.endpoints.register(body),
  }),
  route({
    name: 'listEndpoints',
    method: 'GET',
    path: '/network-monitoring/endpoints',
    tag,
    summary: 'List endpoints',
    permission: 'health:read',
    query: pageQuery,
    output: page(endpoint).meta({ id: 'EndpointPage' }),
    run: (health, { query }) => health.endpoints.list(query),
  }),
  route({
    name: 'getEndpoint',
    method: 'GET',
    path: '/network-monitoring/endpoints/{id}',
    tag,
    summary: 'Get an endpoint',
    permission: 'health:read',
    params,
    output: endpoint,
    errors: [healthErrors.ENDPOINT_NOT_FOUND],
    run: (health, { params: { id: endpointId } }) => health.endpoints.get(endpointId),
  }),
  route({
    name: 'removeEndpoint',
    method: 'DELETE',
    path: '/network-monitoring/endpoints/{id}',
    tag,
    summary: 'Remove an endpoint and its history',
    permission: 'health:write',
    params,
    output: message,
    errors: [healthErrors.ENDPOINT_NOT_FOUND],
    run: (health, { params: { id: endpointId } }) => health.endpoints.remove(endpointId),
  }),
];
