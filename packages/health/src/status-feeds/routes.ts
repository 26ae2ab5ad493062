import { id, idPageQuery, message, openRouteFor, page, routeFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { healthErrors } from '../errors.js';
import type { HealthScope, OpenHealth } from '../scope.js';
import { publicStatus } from './public-status.js';
import { issuedStatusFeed, statusFeed, statusFeedChanges, statusFeedInput } from './status-feed.js';

const route = routeFor<HealthScope>();
const openRoute = openRouteFor<HealthScope, OpenHealth>();
const tag = 'Network monitoring';
const params = z.object({ id });
const { STATUS_FEED_NOT_FOUND, STATUS_FEED_LIMIT_REACHED, STATUS_NOT_FOUND } = healthErrors;
const byToken = z.object({
  token: z.string().meta({ description: 'Shown when the feed was made, or its path replaced' }),
});
const badgeQuery = z.object({
  show: z
    .enum(['status', 'uptime24h', 'uptime7d', 'uptime30d'])
    .default('status')
    .meta({ description: 'What the badge says' }),
  key: z.string().max(64).optional().meta({ description: 'One endpoint of the feed; without it: all together' }),
});
/** As long as a status is kept here. */
const cacheSeconds = 5;
/** Every page may show it, and read it in its scripts; opened by itself, an image runs none. */
const headers = {
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
  'content-security-policy': "default-src 'none'; sandbox",
  'x-content-type-options': 'nosniff',
};

/** What is shown to the public: by operators, and to anybody. */
export const statusFeedRoutes = [
  route({
    name: 'createStatusFeed',
    method: 'POST',
    path: '/network-monitoring/status-feeds',
    tag,
    summary: 'Show how some endpoints are to whoever has the path',
    description: 'The answer has the path, with a token that is not shown again.',
    permission: 'health:write',
    body: statusFeedInput,
    output: issuedStatusFeed,
    status: 201,
    location: ({ id: feedId }) => `/network-monitoring/status-feeds/${feedId}`,
    // Not idempotent: the answer would have to be kept, and the token with it.
    errors: [STATUS_FEED_LIMIT_REACHED],
    run: (health, { body }) => health.statusFeeds.create(body),
  }),
  route({
    name: 'listStatusFeeds',
    method: 'GET',
    path: '/network-monitoring/status-feeds',
    tag,
    summary: 'List status feeds',
    permission: 'health:read',
    query: idPageQuery,
    output: page(statusFeed).meta({ id: 'StatusFeedPage' }),
    run: (health, { query }) => health.statusFeeds.list(query),
  }),
  route({
    name: 'getStatusFeed',
    method: 'GET',
    path: '/network-monitoring/status-feeds/{id}',
    tag,
    summary: 'Get a status feed',
    permission: 'health:read',
    params,
    output: statusFeed,
    errors: [STATUS_FEED_NOT_FOUND],
    run: (health, { params: { id: feedId } }) => health.statusFeeds.get(feedId),
  }),
  route({
    name: 'updateStatusFeed',
    method: 'PATCH',
    path: '/network-monitoring/status-feeds/{id}',
    tag,
    summary: 'Change a status feed',
    permission: 'health:write',
    params,
    body: statusFeedChanges,
    output: statusFeed,
    errors: [STATUS_FEED_NOT_FOUND],
    run: (health, { params: { id: feedId }, body }) => health.statusFeeds.update(feedId, body),
  }),
  route({
    name: 'rotateStatusFeed',
    method: 'POST',
    path: '/network-monitoring/status-feeds/{id}/rotate',
    tag,
    summary: 'Give a status feed another path, and make the one before worthless',
    permission: 'health:write',
    params,
    output: issuedStatusFeed,
    errors: [STATUS_FEED_NOT_FOUND],
    run: (health, { params: { id: feedId } }) => health.statusFeeds.rotate(feedId),
  }),
  route({
    name: 'removeStatusFeed',
    method: 'DELETE',
    path: '/network-monitoring/status-feeds/{id}',
    tag,
    summary: 'Remove a status feed: nobody can read it any more',
    permission: 'health:write',
    params,
    output: message,
    errors: [STATUS_FEED_NOT_FOUND],
    run: (health, { params: { id: feedId } }) => health.statusFeeds.remove(feedId),
  }),
  openRoute({
    name: 'readPublicStatus',
    method: 'GET',
    path: '/public/status/{token}',
    tag,
    summary: 'How the endpoints of a status feed are',
    params: byToken,
    output: publicStatus,
    cacheSeconds,
    headers,
    errors: [STATUS_NOT_FOUND],
    run: ({ statusFeeds }, { params: { token } }) => statusFeeds.read(token),
  }),
  openRoute({
    name: 'readStatusBadge',
    method: 'GET',
    path: '/public/status/{token}/badge.svg',
    tag,
    summary: 'How a status feed or one of its endpoints is, as an image',
    params: byToken,
    query: badgeQuery,
    text: 'image/svg+xml',
    output: z.string(),
    cacheSeconds,
    headers,
    errors: [STATUS_NOT_FOUND],
    run: ({ statusFeeds }, { params: { token }, query }) => statusFeeds.badge(token, query),
  }),
];
