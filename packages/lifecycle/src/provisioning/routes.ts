import { id, message, openRouteFor, page, routeFor, streamRouteFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { hookErrors, lifecycleErrors } from '../errors.js';
import type { LifecycleScope, OpenLifecycle } from '../scope.js';
import { runCommandExplanation } from './explanation.js';
import { forceInput, interventionInput, runListQuery } from './intervention.js';
import { runProgress } from './progress.js';
import { provisioning } from './run.js';
import { completionInput, decisionInput } from './signal.js';

const route = routeFor<LifecycleScope>();
const openRoute = openRouteFor<LifecycleScope, OpenLifecycle>();
const streamRoute = streamRouteFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });
const changing = {
  method: 'POST',
  tag,
  permission: 'lifecycle:write',
  output: provisioning,
  idempotent: 'by its command',
} as const;
const refusals = [
  lifecycleErrors.PROVISIONING_NOT_FOUND,
  lifecycleErrors.RUN_NOT_OPEN,
  lifecycleErrors.CONCURRENT_CHANGE,
];

/** Runs: how far they are, and what people may do about them. */
export const provisioningRoutes = [
  route({
    name: 'getProvisioning',
    method: 'GET',
    path: '/customer-lifecycle/provisioning/{id}',
    tag,
    summary: 'How far a requested service is',
    description: 'Or any other run: what is done to a service, step by step.',
    permission: 'lifecycle:read',
    params,
    output: provisioning,
    errors: [lifecycleErrors.PROVISIONING_NOT_FOUND],
    run: (lifecycle, { params: { id: requestId } }) => lifecycle.provisioning.get(requestId),
  }),
  streamRoute({
    name: 'streamProvisioning',
    method: 'GET',
    path: '/customer-lifecycle/provisioning/{id}/events',
    tag,
    summary: 'Follow how far a run is, as server-sent events',
    description: 'All of it first, then each step that changed. After `ended` nothing more comes: close the stream.',
    permission: 'lifecycle:read',
    params,
    stream: 'events',
    output: runProgress,
    errors: [lifecycleErrors.PROVISIONING_NOT_FOUND],
    run: (lifecycle, { params: { id: requestId }, lastEventId, signal }) =>
      lifecycle.provisioning.follow(requestId, { lastEventId, signal }),
  }),
  route({
    name: 'listProvisioning',
    method: 'GET',
    path: '/customer-lifecycle/provisioning',
    tag,
    summary: 'List runs',
    description: 'Newest first; with `status=stuck` those that somebody has to look at.',
    permission: 'lifecycle:read',
    query: runListQuery,
    output: page(provisioning).meta({ id: 'ProvisioningPage' }),
    run: (lifecycle, { query }) => lifecycle.provisioning.list(query),
  }),
  route({
    name: 'explainProvisioningCommands',
    method: 'GET',
    path: '/customer-lifecycle/provisioning/{id}/commands',
    tag,
    summary: 'What may be done about a run now, and why the rest may not',
    permission: 'lifecycle:read',
    params,
    output: z.array(runCommandExplanation),
    errors: [lifecycleErrors.PROVISIONING_NOT_FOUND],
    run: (lifecycle, { params: { id: requestId } }) => lifecycle.provisioning.explain(requestId),
  }),
  route({
    ...changing,
    name: 'cancelProvisioning',
    path: '/customer-lifecycle/provisioning/{id}/cancel',
    summary: 'Cancel a run: it stops, or what it did is undone',
    description:
      'At any moment of its way ahead. Suspending, slowing down and starting again stop where they are, and what the service ' +
      'should be given by now follows: open reasons that wanted it do not count for it any more; cancelling what starts it ' +
      'again opens the reason `resume_cancelled`, as severe as what it was before. Setting up and changing a plan are undone. ' +
      'Taking down puts back what was taken, and is stuck at a step that nothing undoes, until somebody has; for a customer ' +
      'who has left, the service is kept then (`is_kept`). `GET /commands` says so ahead.',
    params,
    errors: [...refusals, lifecycleErrors.TEMPLATE_NOT_REGISTERED],
    run: (lifecycle, { params: { id: requestId }, once }) => lifecycle.provisioning.cancel(requestId, once),
  }),
  route({
    ...changing,
    name: 'decideProvisioningStep',
    path: '/customer-lifecycle/provisioning/{id}/decisions',
    summary: 'Approve or reject a step',
    description: 'Each principal once. It may come before the run has come to the step.',
    params,
    body: decisionInput,
    errors: [
      ...refusals,
      lifecycleErrors.STEP_NOT_DECIDABLE,
      lifecycleErrors.DECISION_MADE,
      lifecycleErrors.TEMPLATE_NOT_REGISTERED,
    ],
    run: (lifecycle, { params: { id: requestId }, body, once }) => lifecycle.provisioning.decide(requestId, body, once),
  }),
  openRoute({
    name: 'completeProvisioningStep',
    method: 'POST',
    path: '/customer-lifecycle/provisioning/completions',
    tag,
    summary: 'Complete a step from outside',
    description:
      'With the token that the step was given: whoever has it completes this step, and can do nothing else. The first ' +
      'answer counts.',
    body: completionInput,
    output: message,
    errors: [
      ...refusals,
      lifecycleErrors.STEP_NOT_DECIDABLE,
      lifecycleErrors.COMPLETION_TOKEN_INVALID,
      lifecycleErrors.TEMPLATE_NOT_REGISTERED,
    ],
    run: ({ provisioning: steps }, { body }) => steps.complete(body),
  }),
  route({
    ...changing,
    name: 'retryProvisioning',
    path: '/customer-lifecycle/provisioning/{id}/retry',
    summary: 'Have a stuck run try its failed step again',
    params,
    body: interventionInput,
    errors: refusals,
    run: (lifecycle, { params: { id: requestId }, body, once }) => lifecycle.provisioning.retry(requestId, body, once),
  }),
  route({
    ...changing,
    name: 'skipProvisioningStep',
    path: '/customer-lifecycle/provisioning/{id}/skip',
    summary: 'Have a stuck run go on without its failed step',
    params,
    body: interventionInput,
    errors: refusals,
    run: (lifecycle, { params: { id: requestId }, body, once }) => lifecycle.provisioning.skip(requestId, body, once),
  }),
  route({
    ...changing,
    name: 'forceProvisioning',
    path: '/customer-lifecycle/provisioning/{id}/force',
    summary: 'End a stuck run by saying what is true',
    description: 'Nothing is called any more. A service that is not as it should be is worked on anew.',
    params,
    body: forceInput,
    errors: [...refusals, ...hookErrors],
    run: (lifecycle, { params: { id: requestId }, body, once }) => lifecycle.provisioning.force(requestId, body, once),
  }),
];
