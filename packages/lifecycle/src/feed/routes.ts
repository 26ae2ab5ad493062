import { id, routeFor, streamRouteFor } from '@dotmac/core/contract';
import { z } from 'zod';
import { lifecycleErrors } from '../errors.js';
import type { LifecycleScope } from '../scope.js';
import {
  feedPage,
  feedQuery,
  followQuery,
  historyPage,
  historyQuery,
  streamedCustomerEvent,
  type EventFilter,
} from './event.js';

import { customerState, stateQuery } from './state-at.js';

const route = routeFor<LifecycleScope>();
const streamRoute = streamRouteFor<LifecycleScope>();
const reading = { method: 'GET', tag: 'Customer lifecycle', permission: 'lifecycle:read' } as const;

/** What happened, and what happens. */
export const feedRoutes = [
  route({
    ...reading,
    name: 'readCustomerFeed',
    path: '/customer-lifecycle/feed',
    summary: 'Read all events of customers, in one order',
    description:
      'Who goes on from `next_cursor` misses no event and gets none twice, whichever process it comes from. With a ' +
      'filter a page may be short, or empty, though `has_more` is true.',
    query: feedQuery,
    output: feedPage,
    run: (lifecycle, { query }) => lifecycle.feed.read(query as EventFilter),
  }),
  streamRoute({
    ...reading,
    name: 'streamCustomerEvents',
    path: '/customer-lifecycle/events',
    summary: 'Follow what happens to customers, as server-sent events',
    description:
      'Goes on after the event that `Last-Event-ID` names, also after a restart. When that is not known the first ' +
      'event is a `reset`: read what you show anew.',
    query: followQuery,
    stream: 'events',
    output: streamedCustomerEvent,
    run: (lifecycle, { query, lastEventId, signal }) =>
      lifecycle.feed.follow({ ...(query as EventFilter), lastEventId, signal }),
  }),
  route({
    ...reading,
    name: 'listCustomerEvents',
    path: '/customer-lifecycle/customers/{id}/events',
    summary: 'A customer’s history',
    description: 'Newest first.',
    params: z.object({ id }),
    query: historyQuery,
    output: historyPage,
    errors: [lifecycleErrors.CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId }, query }) => lifecycle.feed.history(customerId, query as EventFilter),
  }),
  route({
    ...reading,
    name: 'getCustomerState',
    path: '/customer-lifecycle/customers/{id}/state',
    summary: 'What a customer was at some time',
    description: 'From its history, with its services, reasons and promises. Not there yet, it is not found.',
    params: z.object({ id }),
    query: stateQuery,
    output: customerState,
    errors: [lifecycleErrors.CUSTOMER_NOT_FOUND],
    run: (lifecycle, { params: { id: customerId }, query }) => lifecycle.feed.stateAt(customerId, query.at),
  }),
];
