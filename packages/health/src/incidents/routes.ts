import { id, idPageQuery, page, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../scope.js';
import { incident, incidentFilter, incidentNote, incidentRemark, incidentStory } from './incident.js';

const route = routeFor<HealthScope>();
const tag = 'Network monitoring';
const params = z.object({ id });
const { INCIDENT_NOT_FOUND, INCIDENT_RESOLVED } = healthErrors;

/** Incidents: read, acknowledge, comment, resolve. */
export const incidentRoutes = [
  route({
    name: 'listIncidents',
    method: 'GET',
    path: '/network-monitoring/incidents',
    tag,
    summary: 'List incidents, newest first',
    description: '`status=unresolved` lists those that are open or acknowledged.',
    permission: 'health:read',
    query: idPageQuery.extend(incidentFilter.shape),
    output: page(incident).meta({ id: 'IncidentPage' }),
    run: (health, { query }) => health.incidents.list(query),
  }),
  route({
    name: 'getIncident',
    method: 'GET',
    path: '/network-monitoring/incidents/{id}',
    tag,
    summary: 'Get an incident with its timeline',
    permission: 'health:read',
    params,
    output: incidentStory,
    errors: [INCIDENT_NOT_FOUND],
    run: (health, { params: { id: incidentId } }) => health.incidents.get(incidentId),
  }),
  route({
    name: 'acknowledgeIncident',
    method: 'POST',
    path: '/network-monitoring/incidents/{id}/acknowledge',
    tag,
    summary: 'Say that somebody looks after an incident',
    permission: 'health:write',
    params,
    body: incidentRemark,
    output: incidentStory,
    errors: [INCIDENT_NOT_FOUND, INCIDENT_RESOLVED],
    run: (health, { params: { id: incidentId }, body }) => health.incidents.acknowledge(incidentId, body),
  }),
  route({
    name: 'commentIncident',
    method: 'POST',
    path: '/network-monitoring/incidents/{id}/comments',
    tag,
    summary: 'Add to the timeline of an incident',
    permission: 'health:write',
    params,
    body: incidentNote,
    output: incidentStory,
    errors: [INCIDENT_NOT_FOUND],
    run: (health, { params: { id: incidentId }, body }) => health.incidents.comment(incidentId, body),
  }),
  route({
    name: 'resolveIncident',
    method: 'POST',
    path: '/network-monitoring/incidents/{id}/resolve',
    tag,
    summary: 'End an incident by hand',
    permission: 'health:write',
    params,
    body: incidentRemark,
    output: incidentStory,
    errors: [INCIDENT_NOT_FOUND, INCIDENT_RESOLVED],
    run: (health, { params: { id: incidentId }, body }) => health.incidents.resolve(incidentId, body),
  }),
];
