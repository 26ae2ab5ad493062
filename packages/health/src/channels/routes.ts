import { id, idPageQuery, message, page, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope } from '../scope.js';
import { channel, channelCatalogue, channelChanges, channelInput, channelTest } from './channel.js';

const route = routeFor<HealthScope>();
const tag = 'Network monitoring';
const params = z.object({ id });
const { CHANNEL_NOT_FOUND, CHANNEL_LIMIT_REACHED, CHANNEL_IN_USE, CHANNEL_FAILED } = healthErrors;

/** Channels: where alerts go. */
export const channelRoutes = [
  route({
    name: 'listChannelKinds',
    method: 'GET',
    path: '/network-monitoring/channel-kinds',
    tag,
    summary: 'List the kinds of channels, with the JSON Schema of what each takes',
    permission: 'health:read',
    output: channelCatalogue,
    run: (health) => health.channels.kinds(),
  }),
  route({
    name: 'createChannel',
    method: 'POST',
    path: '/network-monitoring/channels',
    tag,
    summary: 'Make a channel that alerts can go to',
    description: 'Nothing goes there until an alert rule names it.',
    permission: 'health:write',
    body: channelInput,
    output: channel,
    status: 201,
    location: ({ id: channelId }) => `/network-monitoring/channels/${channelId}`,
    idempotent: true,
    errors: [CHANNEL_LIMIT_REACHED],
    run: (health, { body }) => health.channels.create(body),
  }),
  route({
    name: 'listChannels',
    method: 'GET',
    path: '/network-monitoring/channels',
    tag,
    summary: 'List channels, and how delivering to them goes',
    permission: 'health:read',
    query: idPageQuery,
    output: page(channel).meta({ id: 'ChannelPage' }),
    run: (health, { query }) => health.channels.list(query),
  }),
  route({
    name: 'getChannel',
    method: 'GET',
    path: '/network-monitoring/channels/{id}',
    tag,
    summary: 'Get a channel',
    permission: 'health:read',
    params,
    output: channel,
    errors: [CHANNEL_NOT_FOUND],
    run: (health, { params: { id: channelId } }) => health.channels.get(channelId),
  }),
  route({
    name: 'updateChannel',
    method: 'PATCH',
    path: '/network-monitoring/channels/{id}',
    tag,
    summary: 'Change a channel',
    description: 'What is left out stays. Another origin removes the secrets that are not given anew.',
    permission: 'health:write',
    params,
    body: channelChanges,
    output: channel,
    errors: [CHANNEL_NOT_FOUND],
    run: (health, { params: { id: channelId }, body }) => health.channels.update(channelId, body),
  }),
  route({
    name: 'testChannel',
    method: 'POST',
    path: '/network-monitoring/channels/{id}/test',
    tag,
    summary: 'Send a test message',
    description: 'Tries once, and answers when the other side has taken the message, within ten seconds.',
    permission: 'health:write',
    params,
    output: channelTest,
    errors: [CHANNEL_NOT_FOUND, CHANNEL_FAILED],
    run: (health, { params: { id: channelId }, signal }) => health.channels.test(channelId, signal),
  }),
  route({
    name: 'removeChannel',
    method: 'DELETE',
    path: '/network-monitoring/channels/{id}',
    tag,
    summary: 'Remove a channel that no rule names',
    permission: 'health:write',
    params,
    output: message,
    errors: [CHANNEL_NOT_FOUND, CHANNEL_IN_USE],
    run: (health, { params: { id: channelId } }) => health.channels.remove(channelId),
  }),
];
