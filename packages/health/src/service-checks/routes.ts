import { routeFor } from '@dotmac/core/contract';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../scope.js';
import { serviceCheck, serviceCheckInput } from './service-check.js';

const route = routeFor<HealthScope>();

/** Checks on request. */
export const serviceCheckRoutes = [
  route({
    name: 'checkService',
    method: 'POST',
    path: '/network-monitoring/health-check',
    tag: 'Network monitoring',
    summary: 'Check a database, a Redis or a container now',
    description:
      'Name a `target` that the host application registered. A `connection_string` works only where the host application enabled it, towards the networks that it allowed.',
    permission: 'health:write',
    body: serviceCheckInput,
    output: serviceCheck,
    errors: [healthErrors.TARGET_NOT_FOUND, healthErrors.AD_HOC_TARGETS_DISABLED],
    run: (health, { body, signal }) => health.checks.run(body, signal),
  }),
];
