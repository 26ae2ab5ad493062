import { z } from 'zod';
import { id, routeFor } from '@dotmac/core/contract';
import { maintenanceErrors } from '../errors.js';
import type { MaintenanceScope } from '../scope.js';
import { runsQuery } from '../runs/schemas.js';
import { digest, digestQuery, trendList, trendsQuery } from './schemas.js';

const route = routeFor<MaintenanceScope>();
const base = '/infrastructure-maintenance';
const shared = { method: 'GET', tag: 'Infrastructure maintenance', permission: 'maintenance:read' } as const;
/** Opened by itself a report runs nothing and loads nothing; no cache may keep it: it is one tenant's. */
const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'x-content-type-options': 'nosniff',
};
const asPage = { text: 'text/html; charset=utf-8', output: z.string(), headers };
const asTable = (name: string) => ({
  ...{ text: 'text/csv; charset=utf-8; header=present', output: z.string() },
  headers: { ...headers, 'content-disposition': `attachment; filename="${name}.csv"` },
});
const oneRun = { params: z.object({ id }), errors: [maintenanceErrors.RUN_NOT_FOUND] };

/** What runs came to, for people and spreadsheets. One run as JSON is the run itself. */
export const reportRoutes = [
  route({
    ...{ ...shared, ...oneRun, ...asPage },
    name: 'getMaintenanceReport',
    path: `${base}/runs/{id}/report.html`,
    summary: 'The report of a run, as a page',
    run: ({ reports }, { params }) => reports.runHtml(params.id),
  }),
  route({
    ...{ ...shared, ...oneRun, ...asTable('run') },
    name: 'getMaintenanceReportTable',
    path: `${base}/runs/{id}/report.csv`,
    summary: 'The report of a run, as CSV',
    run: ({ reports }, { params }) => reports.runCsv(params.id),
  }),
  route({
    ...{ ...shared, ...asTable('runs') },
    name: 'listMaintenanceRunTable',
    path: `${base}/runs.csv`,
    summary: 'The newest runs, as CSV',
    description: 'The next of them: give the `task_id` of the last line as `cursor`.',
    query: runsQuery,
    run: ({ reports }, { query }) => reports.runsCsv(query),
  }),
  route({
    ...shared,
    name: 'getMaintenanceTrends',
    path: `${base}/trends`,
    summary: 'How each task fared day by day',
    query: trendsQuery,
    output: trendList,
    run: ({ reports }, { query }) => reports.trends(query),
  }),
  route({
    ...shared,
    name: 'getMaintenanceDigest',
    path: `${base}/digest`,
    summary: 'What happened in the last days, and what to look at',
    query: digestQuery,
    output: digest,
    run: ({ reports }, { query }) => reports.digest(query),
  }),
  route({
    ...{ ...shared, ...asPage },
    name: 'getMaintenanceDigestPage',
    path: `${base}/digest.html`,
    summary: 'The same, as a page',
    query: digestQuery,
    run: ({ reports }, { query }) => reports.digestHtml(query),
  }),
];
