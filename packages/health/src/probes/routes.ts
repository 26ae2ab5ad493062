import { routeFor } from '@dotmac/core/contract';
import type { HealthScope } from '../scope.js';
import { probeCatalogue } from './catalogue.js';

const route = routeFor<HealthScope>();

/** What endpoints can be checked with. */
export const probeRoutes = [
  route({
    name: 'listProbes',
    method: 'GET',
    path: '/network-monitoring/probes',
    tag: 'Network monitoring',
    summary: 'List the probes, with the JSON Schema of what each takes',
    permission: 'health:read',
    output: probeCatalogue,
    run: (health) => health.probes(),
  }),
];
