import { z } from 'zod';
import { id, routeFor, streamRouteFor } from '@dotmac/core/contract';
import { maintenanceErrors } from '../errors.js';
import type { MaintenanceScope } from '../scope.js';
import { cacheCleanupParameters } from '../tasks/cache-cleanup.schema.js';
import { databaseCleanupParameters } from '../tasks/database-cleanup.schema.js';
import { logRotationParameters } from '../tasks/log-rotation.schema.js';
import { performanceOptimizationParameters } from '../tasks/performance-optimization.schema.js';
import {
  executeBody,
  maintenanceResult,
  maintenanceRun,
  runEvent,
  runPage,
  runListQuery,
  type MaintenanceResult,
} from './schemas.js';

const route = routeFor<MaintenanceScope>();
const stream = streamRouteFor<MaintenanceScope>();
const tag = 'Infrastructure maintenance';
const base = '/infrastructure-maintenance';
const oneRun = { tag, params: z.object({ id }) };
const location = ({ taskId }: MaintenanceResult): string => `${base}/runs/${taskId}`;
const errors = [
  maintenanceErrors.POLICY_UNDERCUT,
  maintenanceErrors.TASK_ALREADY_RUNNING,
  maintenanceErrors.MAINTENANCE_STOPPED,
];
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

/** Runs: begun, read, followed, ended. */
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
    query: runListQuery,
    output: runPage,
    run: ({ runs }, { query }) => runs.list(query),
  }),
  route({
    ...oneRun,
    name: 'getMaintenanceRun',
    method: 'GET',
    path: `${base}/runs/{id}`,
    summary: 'One run, with its log',
    permission: 'maintenance:read',
    output: maintenanceRun,
    errors: [maintenanceErrors.RUN_NOT_FOUND],
    run: ({ runs }, { params }) => runs.get(params.id),
  }),
  stream({
    ...oneRun,
    name: 'followMaintenanceRun',
    method: 'GET',
    path: `${base}/runs/{id}/events`,
    summary: 'Follow a run, as server-sent events',
    description: 'Its progress, about once a second; its end is the last event.',
    permission: 'maintenance:read',
    stream: 'events',
    output: runEvent,
    errors: [maintenanceErrors.RUN_NOT_FOUND],
    run: ({ runs }, { params, signal, lastEventId }) => runs.follow(params.id, signal, lastEventId),
  }),
  route({
    ...oneRun,
    name: 'cancelMaintenanceRun',
    method: 'POST',
    path: `${base}/runs/{id}/cancel`,
    summary: 'Cancel a run',
    description: 'It ends after the batch that is under way; what is done stays done, and it can be resumed.',
    permission: 'maintenance:execute',
    output: maintenanceResult,
    errors: [maintenanceErrors.RUN_NOT_FOUND, maintenanceErrors.RUN_NOT_ACTIVE],
    run: ({ runs }, { params }) => runs.cancel(params.id),
  }),
  route({
    ...oneRun,
    name: 'resumeMaintenanceRun',
    method: 'POST',
    path: `${base}/runs/{id}/resume`,
    summary: 'Go on where a run ended',
    description:
      'Answers the run that goes on, as it begins. One whose process died may have been gone on with by another process: `resumed_by` of the ' +
      'run, and the refusal, say by which run.',
    permission: 'maintenance:execute',
    output: maintenanceResult,
    status: 202,
    location,
    errors: [
      ...errors,
      maintenanceErrors.RUN_NOT_FOUND,
      maintenanceErrors.RUN_ELSEWHERE,
      maintenanceErrors.RUN_NOT_RESUMABLE,
    ],
    run: ({ runs }, { params }) => runs.resume(params.id),
  }),
  route({
    ...oneRun,
    name: 'confirmMaintenanceRun',
    method: 'POST',
    path: `${base}/runs/{id}/confirm`,
    summary: 'Let a run clean more than may go unasked',
    description:
      'Of a run whose `details.asked` has targets. They may go once this is given, within `confirmableDays` (7) after it ended. It asks anew ' +
      'when there are more than a fifth more, and for each further target. Answers the run that does it, as it begins.',
    permission: 'maintenance:execute',
    output: maintenanceResult,
    status: 202,
    location,
    errors: [
      ...errors,
      maintenanceErrors.RUN_NOT_FOUND,
      maintenanceErrors.RUN_ELSEWHERE,
      maintenanceErrors.RUN_NOT_UNCONFIRMED,
      maintenanceErrors.CONFIRMATION_EXPIRED,
    ],
    run: ({ runs }, { params }) => runs.confirm(params.id),
  }),
];
