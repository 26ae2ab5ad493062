import { id, message, openRouteFor, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope, OpenHealth } from '../scope.js';
import { heartbeat } from './heartbeat.js';

const route = routeFor<HealthScope>();
const openRoute = openRouteFor<HealthScope, OpenHealth>();
const tag = 'Network monitoring';
const params = z.object({ id });
const { ENDPOINT_NOT_FOUND, NO_HEARTBEAT, HEARTBEAT_NEEDS_SECRET, HEARTBEAT_NOT_FOUND } = healthErrors;
const errors = [ENDPOINT_NOT_FOUND, NO_HEARTBEAT, HEARTBEAT_NEEDS_SECRET];
const token = z.string().min(1).max(1_000).meta({ description: 'As `GET …/endpoints/{id}/heartbeat` shows it' });
/** What failed is said by the path: a job that says it in a query, as elsewhere, is not to be taken for one that succeeded. */
const query = z.object({});
const signal = z.string().max(20).meta({ description: '`start`, `fail`, or the exit status of the job' });

/** What jobs call: by GET or POST, for that is what is at hand where they run. */
const calls = (['GET', 'POST'] as const).flatMap((method) => [
  openRoute({
    name: method === 'GET' ? 'pingHeartbeat' : 'postHeartbeat',
    method,
    path: '/network-monitoring/heartbeats/{token}',
    tag,
    summary: 'Say that a job succeeded',
    params: z.object({ token }),
    query,
    output: message,
    errors: [HEARTBEAT_NOT_FOUND],
    run: ({ heartbeats }, { params: it }) => heartbeats.call(it.token),
  }),
  openRoute({
    name: method === 'GET' ? 'pingHeartbeatWith' : 'postHeartbeatWith',
    method,
    path: '/network-monitoring/heartbeats/{token}/{signal}',
    tag,
    summary: 'Say that a job begins, failed, or ended with an exit status',
    params: z.object({ token, signal }),
    query,
    output: message,
    errors: [HEARTBEAT_NOT_FOUND],
    run: ({ heartbeats }, { params: it }) => heartbeats.call(it.token, it.signal),
  }),
]);

/** Jobs that call us. */
export const heartbeatRoutes = [
  route({
    name: 'getHeartbeat',
    method: 'GET',
    path: '/network-monitoring/endpoints/{id}/heartbeat',
    tag,
    summary: 'Where a job calls, and what it said',
    permission: 'health:write',
    params,
    output: heartbeat,
    errors,
    run: (health, { params: { id: endpointId } }) => health.heartbeats.get(endpointId),
  }),
  route({
    name: 'rotateHeartbeat',
    method: 'POST',
    path: '/network-monitoring/endpoints/{id}/heartbeat/rotate',
    tag,
    summary: 'Give a job another path to call, and make the others worthless',
    permission: 'health:write',
    params,
    output: heartbeat,
    errors,
    run: (health, { params: { id: endpointId } }) => health.heartbeats.rotate(endpointId),
  }),
  ...calls,
];
