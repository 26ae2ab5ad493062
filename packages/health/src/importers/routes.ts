import { routeFor } from '@dotmac/core/contract';
import { dryRunQuery } from '../endpoints/dry-run.js';
import type { HealthScope } from '../scope.js';
import { gatusConfiguration, mostAtOnce, uptimeKumaBackup } from './export.js';
import { importReport } from './report.js';

const route = routeFor<HealthScope>();
const tag = 'Network monitoring';
const description =
  'Answers what became of each, and what of it has no equal here. All that can be is registered, in one transaction. ' +
  'Credentials become secrets, and are not shown. ' +
  `At most ${mostAtOnce} in a request; their first checks are spread over their intervals.`;

/** Endpoints from what other products export. */
export const importerRoutes = [
  route({
    name: 'importFromGatus',
    method: 'POST',
    path: '/network-monitoring/endpoints/import/gatus',
    tag,
    summary: 'Register the endpoints of a Gatus configuration',
    description,
    permission: 'health:write',
    query: dryRunQuery,
    body: gatusConfiguration,
    output: importReport,
    idempotent: true,
    run: (health, { body, query }) => health.importers.gatus(body, query),
  }),
  route({
    name: 'importFromUptimeKuma',
    method: 'POST',
    path: '/network-monitoring/endpoints/import/uptime-kuma',
    tag,
    summary: 'Register the monitors of an Uptime Kuma backup',
    description,
    permission: 'health:write',
    query: dryRunQuery,
    body: uptimeKumaBackup,
    output: importReport,
    idempotent: true,
    run: (health, { body, query }) => health.importers.uptimeKuma(body, query),
  }),
];
