import { routeFor } from '@dotmac/core/contract';
import type { MaintenanceScope } from '../scope.js';
import { taskCatalogue } from './catalogue.js';
import { policyCatalogue } from './policy-catalogue.js';

const route = routeFor<MaintenanceScope>();
const shared = { method: 'GET', tag: 'Infrastructure maintenance', permission: 'maintenance:read' } as const;

/** What can be done, and on what. */
export const taskRoutes = [
  route({
    ...shared,
    name: 'listMaintenanceTasks',
    path: '/infrastructure-maintenance/tasks',
    summary: 'The tasks, with the JSON Schema of what each takes',
    output: taskCatalogue,
    run: ({ catalogue }) => catalogue.tasks(),
  }),
  route({
    ...shared,
    name: 'listMaintenancePolicies',
    path: '/infrastructure-maintenance/policies',
    summary: 'The policies that tasks can be run with',
    description:
      'They are written in code by the host application. What requests may say for each, and which schedules use it.',
    output: policyCatalogue,
    run: ({ catalogue }) => catalogue.policies(),
  }),
];
