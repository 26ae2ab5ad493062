import { id, idPageQuery, message, page, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../scope.js';
import { maintenanceWindow, windowChanges, windowInput } from './window.js';

const route = routeFor<HealthScope>();
const tag = 'Network monitoring';
const params = z.object({ id });
const { WINDOW_NOT_FOUND, WINDOW_LIMIT_REACHED } = healthErrors;

/** Maintenance windows: when nobody is told. */
export const windowRoutes = [
  route({
    name: 'createMaintenanceWindow',
    method: 'POST',
    path: '/network-monitoring/maintenance-windows',
    tag,
    summary: 'Make a maintenance window',
    description:
      'Once, from starts_at to ends_at; or again and again, by cron or rrule, each time for duration. Checks go on ' +
      'meanwhile. What still fails when it ends is told then.',
    permission: 'health:write',
    body: windowInput,
    output: maintenanceWindow,
    status: 201,
    location: ({ id: windowId }) => `/network-monitoring/maintenance-windows/${windowId}`,
    idempotent: true,
    errors: [WINDOW_LIMIT_REACHED],
    run: (health, { body }) => health.windows.create(body),
  }),
  route({
    name: 'listMaintenanceWindows',
    method: 'GET',
    path: '/network-monitoring/maintenance-windows',
    tag,
    summary: 'List maintenance windows',
    permission: 'health:read',
    query: idPageQuery,
    output: page(maintenanceWindow).meta({ id: 'MaintenanceWindowPage' }),
    run: (health, { query }) => health.windows.list(query),
  }),
  route({
    name: 'getMaintenanceWindow',
    method: 'GET',
    path: '/network-monitoring/maintenance-windows/{id}',
    tag,
    summary: 'Get a maintenance window',
    permission: 'health:read',
    params,
    output: maintenanceWindow,
    errors: [WINDOW_NOT_FOUND],
    run: (health, { params: { id: windowId } }) => health.windows.get(windowId),
  }),
  route({
    name: 'updateMaintenanceWindow',
    method: 'PATCH',
    path: '/network-monitoring/maintenance-windows/{id}',
    tag,
    summary: 'Change a maintenance window',
    permission: 'health:write',
    params,
    body: windowChanges,
    output: maintenanceWindow,
    errors: [WINDOW_NOT_FOUND],
    run: (health, { params: { id: windowId }, body }) => health.windows.update(windowId, body),
  }),
  route({
    name: 'removeMaintenanceWindow',
    method: 'DELETE',
    path: '/network-monitoring/maintenance-windows/{id}',
    tag,
    summary: 'Remove a maintenance window',
    permission: 'health:write',
    params,
    output: message,
    errors: [WINDOW_NOT_FOUND],
    run: (health, { params: { id: windowId } }) => health.windows.remove(windowId),
  }),
];
