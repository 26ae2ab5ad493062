import { z } from 'zod';
import { id, idPageQuery, routeFor } from '@dotmac/core/contract';
import { maintenanceErrors } from '../errors.js';
import type { MaintenanceScope } from '../scope.js';
import { executeBody, maintenanceResult } from '../runs/schemas.js';
import { maintenancePlan, planPage } from './schemas.js';

const route = routeFor<MaintenanceScope>();
const tag = 'Infrastructure maintenance';
const base = '/infrastructure-maintenance/plans';
const params = z.object({ id });

/** Plans: made, looked at, applied. */
export const planRoutes = [
  route({
    name: 'createMaintenancePlan',
    method: 'POST',
    path: base,
    tag,
    summary: 'Find out what a run would do',
    description: 'Changes nothing. The plan can be applied, once, within 24 hours.',
    permission: 'maintenance:execute',
    body: executeBody,
    output: maintenancePlan,
    status: 201,
    location: (plan) => `${base}/${plan.id}`,
    idempotent: true,
    errors: [
      maintenanceErrors.POLICY_UNDERCUT,
      maintenanceErrors.TASK_ALREADY_RUNNING,
      maintenanceErrors.MAINTENANCE_STOPPED,
      maintenanceErrors.PLAN_NOT_MADE,
    ],
    run: ({ plans }, { body }) => plans.create(body),
  }),
  route({
    name: 'listMaintenancePlans',
    method: 'GET',
    path: base,
    tag,
    summary: 'The plans, newest first',
    permission: 'maintenance:read',
    query: idPageQuery,
    output: planPage,
    run: ({ plans }, { query }) => plans.list(query),
  }),
  route({
    name: 'getMaintenancePlan',
    method: 'GET',
    path: `${base}/{id}`,
    tag,
    summary: 'One plan',
    permission: 'maintenance:read',
    params,
    output: maintenancePlan,
    errors: [maintenanceErrors.PLAN_NOT_FOUND, maintenanceErrors.PLAN_EXPIRED],
    run: ({ plans }, { params: { id: planId } }) => plans.get(planId),
  }),
  route({
    name: 'applyMaintenancePlan',
    method: 'POST',
    path: `${base}/{id}/apply`,
    tag,
    summary: 'Do what a plan says',
    description:
      'Refused when configuration or schema have changed since, or a count by more than a fifth, and where another host’s or ' +
      'process’s things are meant than those that it was made of. Answers when the run ' +
      'has ended; `Prefer: respond-async` answers 202 at once.',
    permission: 'maintenance:execute',
    params,
    output: maintenanceResult,
    errors: [
      maintenanceErrors.PLAN_NOT_FOUND,
      maintenanceErrors.PLAN_EXPIRED,
      maintenanceErrors.PLAN_APPLIED,
      maintenanceErrors.PLAN_ELSEWHERE,
      maintenanceErrors.PLAN_DRIFTED,
      maintenanceErrors.PLAN_NOT_MADE,
      maintenanceErrors.POLICY_UNDERCUT,
      maintenanceErrors.TASK_ALREADY_RUNNING,
      maintenanceErrors.MAINTENANCE_STOPPED,
    ],
    deferred: {
      output: maintenanceResult,
      location: ({ taskId }) => `/infrastructure-maintenance/runs/${taskId}`,
      run: ({ plans }, { params: { id: planId } }) => plans.beginApply(planId),
    },
    run: ({ plans }, { params: { id: planId } }) => plans.apply(planId),
  }),
];
