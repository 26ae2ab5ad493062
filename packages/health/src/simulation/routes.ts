import { id, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../scope.js';
import { simulationInput } from './simulation-input.js';
import { simulation } from './simulate.js';

const route = routeFor<HealthScope>();

/** What would have been. */
export const simulationRoutes = [
  route({
    name: 'simulatePolicy',
    method: 'POST',
    path: '/network-monitoring/endpoints/{id}/simulations',
    tag: 'Network monitoring',
    summary: 'Say what another policy would have made of the last checks, or of other results',
    description:
      'Goes by the checks that are kept one by one, or by the `results` that are given, at most 10,000; `from` and `until` ' +
      'say which. Nothing is changed.',
    permission: 'health:read',
    params: z.object({ id }),
    body: simulationInput,
    output: simulation,
    errors: [healthErrors.ENDPOINT_NOT_FOUND],
    run: (health, { params: { id: endpointId }, body }) => health.simulate(endpointId, body),
  }),
];
