import { id, idPageQuery, message, page, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../scope.js';
import { objective, objectiveChanges, objectiveInput, objectiveReport } from './objective.js';

const route = routeFor<HealthScope>();
const tag = 'Network monitoring';
const params = z.object({ id });
const { OBJECTIVE_NOT_FOUND, OBJECTIVE_LIMIT_REACHED } = healthErrors;

/** Service level objectives, and how they are doing. */
export const objectiveRoutes = [
  route({
    name: 'createObjective',
    method: 'POST',
    path: '/network-monitoring/objectives',
    tag,
    summary: 'Make an objective',
    description: 'The share of checks of an endpoint, or of all with a tag, that are to be good over some days.',
    permission: 'health:write',
    body: objectiveInput,
    output: objective,
    status: 201,
    location: ({ id: objectiveId }) => `/network-monitoring/objectives/${objectiveId}`,
    idempotent: true,
    errors: [OBJECTIVE_LIMIT_REACHED],
    run: (health, { body }) => health.objectives.create(body),
  }),
  route({
    name: 'listObjectives',
    method: 'GET',
    path: '/network-monitoring/objectives',
    tag,
    summary: 'List objectives',
    permission: 'health:read',
    query: idPageQuery,
    output: page(objective).meta({ id: 'ObjectivePage' }),
    run: (health, { query }) => health.objectives.list(query),
  }),
  route({
    name: 'getObjective',
    method: 'GET',
    path: '/network-monitoring/objectives/{id}',
    tag,
    summary: 'Get an objective, and how it is doing',
    permission: 'health:read',
    params,
    output: objectiveReport,
    errors: [OBJECTIVE_NOT_FOUND],
    run: (health, { params: { id: objectiveId } }) => health.objectives.get(objectiveId),
  }),
  route({
    name: 'updateObjective',
    method: 'PATCH',
    path: '/network-monitoring/objectives/{id}',
    tag,
    summary: 'Change an objective',
    permission: 'health:write',
    params,
    body: objectiveChanges,
    output: objective,
    errors: [OBJECTIVE_NOT_FOUND],
    run: (health, { params: { id: objectiveId }, body }) => health.objectives.update(objectiveId, body),
  }),
  route({
    name: 'removeObjective',
    method: 'DELETE',
    path: '/network-monitoring/objectives/{id}',
    tag,
    summary: 'Remove an objective',
    permission: 'health:write',
    params,
    output: message,
    errors: [OBJECTIVE_NOT_FOUND],
    run: (health, { params: { id: objectiveId } }) => health.objectives.remove(objectiveId),
  }),
];
