import { streamRouteFor } from '@dotmac/core/contract';
import type { HealthScope } from '../health.js';
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
      'Goes on after the event that `Last-Event-ID` names, as long as it is among the last 1,000 of the tenant that the ' +
      'serving process remembers: since its start, and of no other process. When it is not, the first event is a ' +
      '`reset`: read what you show anew.',
    permission: 'health:read',
    query: streamFilter,
    stream: 'events',
    output: streamedEvent,
    run: (health, { query, lastEventId, signal }) => health.stream.follow({ ...query, lastEventId, signal }),
  }),
];
