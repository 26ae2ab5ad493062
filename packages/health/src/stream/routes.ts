import { streamRouteFor } from '@dotmac/core/contract';
import type { HealthScope } from '../scope.js';
import { streamedEvent, streamFilter } from './streamed-event.js';

const route = streamRouteFor<HealthScope>();

/** What happens, as it happens. */
export const streamRoutes = [
  route({
    name: 'streamEvents',
    method: 'GET',
    path: '/network-monitoring/events',
    tag: 'Network monitoring',
    summary: 'Follow what happens, as server-sent events',
    description:
      'What happens in whatever process, the same in all of them. Goes on after the event that `Last-Event-ID` names, as ' +
      'long as it is among the last 1,000 of the tenant, and of the last day. When it is not, the first event is a `reset`: ' +
      'read what you show anew.',
    permission: 'health:read',
    query: streamFilter,
    stream: 'events',
    output: streamedEvent,
    run: (health, { query, lastEventId, signal }) => health.stream.follow({ ...query, lastEventId, signal }),
  }),
];
