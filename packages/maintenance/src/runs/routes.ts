import { z } from 'zod';
import { id, message, routeFor } from '@dotmac/core/contract';
import { maintenanceErrors } from '../errors.js';
import type { MaintenanceScope } from '../maintenance.js';
import { cacheCleanupParameters } from '../tasks/cache-cleanup.schema.js';
import { databaseCleanupParameters } from '../tasks/database-cleanup.schema.js';
import { logRotationParameters } from '../tasks/log-rotation.schema.js';
import { performanceOptimizationParameters } from '../tasks/performance-optimization.schema.js';
import {
  executeBody,
  maintenanceResult,
  maintenanceState,
  runPage,
  runsQuery,
  type MaintenanceResult,
} from './schemas.js';

const route = routeFor<MaintenanceScope>();
const tag = 'Infrastructure maintenance';
const base = '/infrastructure-maintenance';
const location = ({ taskId }: MaintenanceResult): string => `${base}/runs/${taskId}`;
const errors = [maintenanceErrors.TASK_ALREADY_RUNNING, maintenanceErrors.MAINTENANCE_STOPPED];
const outcome =
  'Answers when the run has ended; a run that failed answers 200 with `status: failed`. `Prefer: respond-async` answers 202 at once.';

/** One task under a path of its own. */
function taskRoute<Body extends z.ZodType<object>>(
  init: { name: string; path: string; summary: string; body: Body },
  type: string,
) {
  return route({
    ...init,
    method: 'POST',
    path: base + init.path,
    tag,
    description: outcome,
    permission: 'maintenance:execute',
    output: maintenanceResult,
    idempotent: true,
    errors,
    deferred: { output: maintenanceResult, location, run: ({ runs }, { body }) => runs.beginRun(type, body as object) },
    run: ({ runs }, { body }) => runs.run(type, body as object),
  });
}

/** The routes of maintenance. */
export const runRoutes = [
  route({
    name: 'executeMaintenance',
    method: 'POST',
    path: `${base}/execute`,
    tag,
    summary: 'Execute a task by its type',
    description: outcome,
    permission: 'maintenance:execute',
    body: executeBody,
    output: maintenanceResult,
    idempotent: true,
    errors,
    deferred: { output: maintenanceResult, location, run: ({ runs }, { body }) => runs.begin(body) },
    run: ({ runs }, { body }) => runs.execute(body),
  }),
  taskRoute(
    {
      name: 'cleanDatabase',
      path: '/database/cleanup',
      summary: 'Delete rows past their retention',
      body: databaseCleanupParameters,
    },
    'database_cleanup',
  ),
  taskRoute(
    { name: 'rotateLogs', path: '/logs/rotate', summary: 'Rotate and compress logs', body: logRotationParameters },
    'log_rotation',
  ),
  taskRoute(
    { name: 'cleanCache', path: '/cache/cleanup', summary: 'Clear registered caches', body: cacheCleanupParameters },
    'cache_cleanup',
  ),
  taskRoute(
    {
      name: 'optimizePerformance',
      path: '/performance/optimize',
      summary: 'Update statistics and advise on indexes',
      body: performanceOptimizationParameters,
    },
    'performance_optimization',
  ),
  route({
    name: 'listMaintenanceRuns',
    method: 'GET',
    path: `${base}/runs`,
    tag,
    summary: 'The runs, newest first',
    permission: 'maintenance:read',
    query: runsQuery,
    output: runPage,
    run: ({ runs }, { query }) => runs.list(query),
  }),
  route({
    name: 'getMaintenanceRun',
    method: 'GET',
    path: `${base}/runs/{id}`,
    tag,
    summary: 'One run',
    permission: 'maintenance:read',
    params: z.object({ id }),
    output: maintenanceResult,
    errors: [maintenanceErrors.RUN_NOT_FOUND],
    run: ({ runs }, { params }) => runs.get(params.id),
  }),
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
    permission: 'maintenance:execute',
    output: message,
    run: ({ scheduler }) => scheduler.start(),
  }),
  route({
    name: 'stopMaintenanceScheduler',
    method: 'POST',
    path: `${base}/stop`,
    tag,
    summary: 'Stop the scheduler of the process that answers; what runs goes on',
    permission: 'maintenance:execute',
    output: message,
    run: ({ scheduler }) => scheduler.stop(),
  }),
];
