import { id, message, page, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../lifecycle.js';
import { deliveryQuery, deliveryView, replayed, replayInput } from './delivery.js';
import { madeWebhook, webhookChanges, webhookInput, webhookTest, webhookView } from './webhook.js';

const route = routeFor<LifecycleScope>();
const tag = 'Customer lifecycle';
const params = z.object({ id });
const { WEBHOOK_NOT_FOUND, WEBHOOK_LIMIT, WEBHOOK_FAILED, WEBHOOKS_OFF, WEBHOOK_DELIVERY_NOT_FOUND } = lifecycleErrors;

/** Where events are posted to. */
export const webhookRoutes = [
  route({
    name: 'createLifecycleWebhook',
    method: 'POST',
    path: '/customer-lifecycle/webhooks',
    tag,
    summary: 'Have events posted to a URL',
    description:
      'Signed as Standard Webhooks are, with the secret that this answer shows, once. Events of one customer come in ' +
      'their order; each is tried for about a day.',
    permission: 'lifecycle:write',
    body: webhookInput,
    output: madeWebhook,
    status: 201,
    location: ({ id: webhookId }) => `/customer-lifecycle/webhooks/${webhookId}`,
    errors: [WEBHOOKS_OFF, WEBHOOK_LIMIT],
    run: (lifecycle, { body }) => lifecycle.webhooks.create(body),
  }),
  route({
    name: 'listLifecycleWebhooks',
    method: 'GET',
    path: '/customer-lifecycle/webhooks',
    tag,
    summary: 'Where events are posted to',
    permission: 'lifecycle:read',
    output: z.array(webhookView),
    run: (lifecycle) => lifecycle.webhooks.list(),
  }),
  route({
    name: 'getLifecycleWebhook',
    method: 'GET',
    path: '/customer-lifecycle/webhooks/{id}',
    tag,
    summary: 'Get a webhook',
    permission: 'lifecycle:read',
    params,
    output: webhookView,
    errors: [WEBHOOK_NOT_FOUND],
    run: (lifecycle, { params: { id: webhookId } }) => lifecycle.webhooks.get(webhookId),
  }),
  route({
    name: 'updateLifecycleWebhook',
    method: 'PATCH',
    path: '/customer-lifecycle/webhooks/{id}',
    tag,
    summary: 'Change a webhook',
    description: 'Another origin has another secret: the answer shows it, once.',
    permission: 'lifecycle:write',
    params,
    body: webhookChanges,
    output: madeWebhook,
    errors: [WEBHOOK_NOT_FOUND, WEBHOOKS_OFF],
    run: (lifecycle, { params: { id: webhookId }, body }) => lifecycle.webhooks.update(webhookId, body),
  }),
  route({
    name: 'removeLifecycleWebhook',
    method: 'DELETE',
    path: '/customer-lifecycle/webhooks/{id}',
    tag,
    summary: 'Remove a webhook with the log of its deliveries',
    permission: 'lifecycle:write',
    params,
    output: message,
    errors: [WEBHOOK_NOT_FOUND],
    run: (lifecycle, { params: { id: webhookId } }) => lifecycle.webhooks.remove(webhookId),
  }),
  route({
    name: 'testLifecycleWebhook',
    method: 'POST',
    path: '/customer-lifecycle/webhooks/{id}/test',
    tag,
    summary: 'Post a test message',
    description: 'Tries once, and answers when the other side has taken the message, within ten seconds.',
    permission: 'lifecycle:write',
    params,
    output: webhookTest,
    errors: [WEBHOOK_NOT_FOUND, WEBHOOK_FAILED, WEBHOOKS_OFF],
    run: (lifecycle, { params: { id: webhookId }, signal }) => lifecycle.webhooks.test(webhookId, signal),
  }),
  route({
    name: 'listLifecycleWebhookDeliveries',
    method: 'GET',
    path: '/customer-lifecycle/webhooks/{id}/deliveries',
    tag,
    summary: 'What became of each event, newest first',
    permission: 'lifecycle:read',
    params,
    query: deliveryQuery,
    output: page(deliveryView),
    errors: [WEBHOOK_NOT_FOUND],
    run: (lifecycle, { params: { id: webhookId }, query }) => lifecycle.webhooks.deliveries(webhookId, query),
  }),
  route({
    name: 'replayLifecycleWebhook',
    method: 'POST',
    path: '/customer-lifecycle/webhooks/{id}/replay',
    tag,
    summary: 'Send the events of a range of time again',
    description: 'Oldest first, a thousand at a time: ask again with `next_cursor` until it is null.',
    permission: 'lifecycle:write',
    params,
    body: replayInput,
    output: replayed,
    errors: [WEBHOOK_NOT_FOUND],
    run: (lifecycle, { params: { id: webhookId }, body }) => lifecycle.webhooks.replayRange(webhookId, body),
  }),
  route({
    name: 'replayLifecycleWebhookDelivery',
    method: 'POST',
    path: '/customer-lifecycle/webhook-deliveries/{id}/replay',
    tag,
    summary: 'Send one event again',
    description: 'Under the same `webhook-id`, unless it is on its way.',
    permission: 'lifecycle:write',
    params,
    output: deliveryView,
    errors: [WEBHOOK_DELIVERY_NOT_FOUND],
    run: (lifecycle, { params: { id: deliveryId } }) => lifecycle.webhooks.replay(deliveryId),
  }),
];
