import { message, routeFor } from '@dotmac/core/contract';
import type { MaintenanceScope } from '../scope.js';
import { maintenanceState } from './schemas.js';

const route = routeFor<MaintenanceScope>();
const tag = 'Infrastructure maintenance';
const base = '/infrastructure-maintenance';

/** How maintenance stands, and whether it runs by itself. */
export const statusRoutes = [
  route({
    name: 'getMaintenanceState',
    method: 'GET',
    path: `${base}/status`,
    tag,
    summary: 'Scheduler, active and recent runs, tasks',
    permission: 'maintenance:read',
    output: maintenanceState,
    run: ({ state }) => state(),
  }),
  route({
    name: 'startMaintenanceScheduler',
    method: 'POST',
    path: `${base}/start`,
    tag,
    summary: 'Start the scheduler of the process that answers',
    permission: 'maintenance:operate',
    output: message,
    run: ({ scheduler }) => scheduler.start(),
  }),
  route({
    name: 'stopMaintenanceScheduler',
    method: 'POST',
    path: `${base}/stop`,
    tag,
    summary: 'Stop the scheduler of the process that answers; what runs goes on, what waits is left to others',
    permission: 'maintenance:operate',
    output: message,
    run: ({ scheduler }) => scheduler.stop(),
  }),
];
