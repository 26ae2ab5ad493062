import { id, idPageQuery, importedLine, message, page, routeFor, streamRouteFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../scope.js';
import { shownResult } from '../history/shown-result.js';
import { dryRunQuery } from './dry-run.js';
import { endpoint, endpointFilter, type EndpointSchemas } from './endpoint.js';

const route = routeFor<HealthScope>();
const streamRoute = streamRouteFor<HealthScope>();
const tag = 'Network monitoring';
const params = z.object({ id });

/** Endpoints: register, read, change, check, remove. */
export const endpointRoutes = ({ input, changes }: EndpointSchemas) => [
  streamRoute({
    name: 'importEndpoints',
    method: 'POST',
    path: '/network-monitoring/endpoints/import',
    tag,
    summary: 'Register many endpoints, a line of JSON each',
    description:
      'Each line is answered in its order, as soon as it is done; one that is refused holds nobody up. Their first ' +
      'checks are spread over their intervals.',
    permission: 'health:write',
    query: dryRunQuery,
    stream: 'lines',
    lines: input,
    output: importedLine,
    run: (health, { lines, query }) => health.endpoints.import(lines, query),
  }),
  route({
    name: 'registerEndpoint',
    method: 'POST',
    path: '/network-monitoring/endpoints',
    tag,
    summary: 'Register an endpoint',
    description: 'It is checked within a second or so, and then on its own interval.',
    permission: 'health:write',
    body: input,
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
    summary: 'List endpoints, by status, probe or tag',
    permission: 'health:read',
    query: idPageQuery.extend(endpointFilter.shape),
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
    name: 'updateEndpoint',
    method: 'PATCH',
    path: '/network-monitoring/endpoints/{id}',
    tag,
    summary: 'Change an endpoint',
    description:
      'What is left out stays. Another host, port, probe or user, or a peer that is not verified any more, removes the secrets not given anew.',
    permission: 'health:write',
    params,
    body: changes,
    output: endpoint,
    errors: [healthErrors.ENDPOINT_NOT_FOUND],
    run: (health, { params: { id: endpointId }, body }) => health.endpoints.update(endpointId, body),
  }),
  route({
    name: 'pauseEndpoint',
    method: 'POST',
    path: '/network-monitoring/endpoints/{id}/pause',
    tag,
    summary: 'Stop checking an endpoint for a while',
    permission: 'health:write',
    params,
    output: endpoint,
    errors: [healthErrors.ENDPOINT_NOT_FOUND],
    run: (health, { params: { id: endpointId } }) => health.endpoints.pause(endpointId),
  }),
  route({
    name: 'resumeEndpoint',
    method: 'POST',
    path: '/network-monitoring/endpoints/{id}/resume',
    tag,
    summary: 'Check a paused endpoint again',
    permission: 'health:write',
    params,
    output: endpoint,
    errors: [healthErrors.ENDPOINT_NOT_FOUND],
    run: (health, { params: { id: endpointId } }) => health.endpoints.resume(endpointId),
  }),
  route({
    name: 'checkEndpoint',
    method: 'POST',
    path: '/network-monitoring/endpoints/{id}/check',
    tag,
    summary: 'Check an endpoint now',
    description:
      'The result counts like any other. Answers when it is there, at the latest when the endpoint’s timeout is over.',
    permission: 'health:write',
    params,
    output: shownResult,
    errors: [healthErrors.ENDPOINT_NOT_FOUND, healthErrors.ENDPOINT_PAUSED, healthErrors.ENDPOINT_NOT_CHECKED],
    run: (health, { params: { id: endpointId } }) => health.endpoints.check(endpointId),
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
