import { id, idPageQuery, importedLine, page, routeFor, streamRouteFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { registration } from '../customers/customer.js';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import { bulkFailure, bulkInput, bulkTarget, bulkView, failuresQuery } from './operation.js';

const route = routeFor<LifecycleScope>();
const streamRoute = streamRouteFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });
const { BULK_NOT_FOUND, BULK_LIMIT, BULK_NOT_COLLECTING, BULK_NOT_RUNNABLE } = lifecycleErrors;
const { SERVICE_TEMPLATE_NOT_FOUND, INVALID_SERVICE_CONFIG } = lifecycleErrors;
const location = ({ id: operationId }: { id: string }) => `/customer-lifecycle/bulk-operations/${operationId}`;

/** One command for many customers, and many registrations. */
export const bulkRoutes = [
  streamRoute({
    name: 'importCustomers',
    method: 'POST',
    path: '/customer-lifecycle/import',
    tag,
    summary: 'Register many customers, a line of JSON each',
    description:
      'Each line is answered in its order, as soon as it is done; one that is refused holds nobody up. A dry run asks no ' +
      'hooks: those of a registration may still refuse it.',
    permission: 'lifecycle:write',
    query: z.object({
      dryRun: z.stringbool().default(false).meta({ description: 'Say what would become of each, and keep nothing' }),
    }),
    stream: 'lines',
    lines: registration,
    output: importedLine,
    run: (lifecycle, { lines, query }) => lifecycle.bulk.import(lines, query),
  }),
  route({
    name: 'startBulkOperation',
    method: 'POST',
    path: '/customer-lifecycle/bulk-operations',
    tag,
    summary: 'Give a command to many customers',
    description:
      'In the background. Unless `dry_run` is false, it is counted what would happen, and `run` does it. Each customer is ' +
      'judged by itself, and its history says what it would say had the command been given to it alone.',
    permission: 'lifecycle:write',
    body: bulkInput,
    output: bulkView,
    status: 202,
    location,
    idempotent: 'by its command',
    errors: [SERVICE_TEMPLATE_NOT_FOUND, INVALID_SERVICE_CONFIG, BULK_LIMIT],
    run: (lifecycle, { body, once }) => lifecycle.bulk.start(body, once),
  }),
  streamRoute({
    name: 'listBulkCustomers',
    method: 'POST',
    path: '/customer-lifecycle/bulk-operations/customers',
    tag,
    summary: 'List the customers of an operation, a line of JSON each',
    description: 'Of one that was asked for with `{"listed":true}`. Naming one again changes nothing; `run` begins.',
    permission: 'lifecycle:write',
    query: z.object({ operationId: id }),
    stream: 'lines',
    lines: bulkTarget,
    output: importedLine,
    errors: [BULK_NOT_FOUND, BULK_NOT_COLLECTING],
    run: (lifecycle, { lines, query: { operationId } }) => lifecycle.bulk.list(operationId, lines),
  }),
  route({
    name: 'listBulkOperations',
    method: 'GET',
    path: '/customer-lifecycle/bulk-operations',
    tag,
    summary: 'Operations on many customers, newest first',
    permission: 'lifecycle:read',
    query: idPageQuery,
    output: page(bulkView),
    run: (lifecycle, { query }) => lifecycle.bulk.operations(query),
  }),
  route({
    name: 'getBulkOperation',
    method: 'GET',
    path: '/customer-lifecycle/bulk-operations/{id}',
    tag,
    summary: 'How far an operation is',
    permission: 'lifecycle:read',
    params,
    output: bulkView,
    errors: [BULK_NOT_FOUND],
    run: (lifecycle, { params: { id: operationId } }) => lifecycle.bulk.get(operationId),
  }),
  route({
    name: 'listBulkFailures',
    method: 'GET',
    path: '/customer-lifecycle/bulk-operations/{id}/failures',
    tag,
    summary: 'Who was refused, and why',
    permission: 'lifecycle:read',
    params,
    query: failuresQuery,
    output: page(bulkFailure),
    errors: [BULK_NOT_FOUND],
    run: (lifecycle, { params: { id: operationId }, query }) => lifecycle.bulk.failures(operationId, query),
  }),
  route({
    name: 'runBulkOperation',
    method: 'POST',
    path: '/customer-lifecycle/bulk-operations/{id}/run',
    tag,
    summary: 'Do what a dry run counted, or begin with those that were listed',
    description:
      'A dry run that is completed is followed by an operation of its own, which is answered; everybody is judged anew. ' +
      'What was cancelled is not run.',
    permission: 'lifecycle:write',
    params,
    output: bulkView,
    status: 202,
    location,
    idempotent: 'by its command',
    errors: [BULK_NOT_FOUND, BULK_LIMIT, BULK_NOT_RUNNABLE],
    run: (lifecycle, { params: { id: operationId }, once }) => lifecycle.bulk.run(operationId, once),
  }),
  route({
    name: 'cancelBulkOperation',
    method: 'POST',
    path: '/customer-lifecycle/bulk-operations/{id}/cancel',
    tag,
    summary: 'Stop an operation',
    description: 'After the batches that are under way; what is done stays.',
    permission: 'lifecycle:write',
    params,
    output: bulkView,
    errors: [BULK_NOT_FOUND],
    run: (lifecycle, { params: { id: operationId } }) => lifecycle.bulk.cancel(operationId),
  }),
];
