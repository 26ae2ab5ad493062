import { id, instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointTag } from '../endpoints/endpoint.js';

/** As many endpoints as a feed shows. */
export const mostShown = 100;

const listed = z
  .object({
    id,
    displayName: printable
      .trim()
      .min(1)
      .max(200)
      .nullable()
      .default(null)
      .meta({ description: 'What the public is to call it; null: its own name' }),
  })
  .meta({ id: 'StatusFeedEndpoint' });

const fields = {
  name: printable
    .trim()
    .min(1)
    .max(200)
    .meta({ description: 'For your own people; it is not shown', examples: ['Customers in Berlin'] }),
  title: printable
    .trim()
    .min(1)
    .max(200)
    .meta({ description: 'For the public', examples: ['Example Networks'] }),
  tags: z
    .array(endpointTag)
    .max(20)
    .overwrite((tags) => [...new Set(tags)].sort())
    .meta({ description: 'Endpoints with any of these are shown' }),
  endpoints: z.array(listed).max(mostShown).meta({ description: 'These are shown, before those with a tag' }),
};

/** What making a feed takes. */
export const statusFeedInput = z
  .object({ ...fields, tags: fields.tags.default([]), endpoints: fields.endpoints.default([]) })
  .meta({ id: 'StatusFeedInput' });

/** What can be changed of a feed. */
export const statusFeedChanges = z.object(fields).partial().meta({ id: 'StatusFeedChanges' });

/** What is shown to the public of some endpoints, at most 100. */
export const statusFeed = z
  .object({ id, ...fields, createdAt: instant, updatedAt: instant })
  .meta({ id: 'StatusFeed' });

/** A feed and where it is read: told once, when its token is made. */
export const issuedStatusFeed = statusFeed
  .extend({
    path: z.string().meta({ description: 'Where anybody reads it who knows this; it is not shown again' }),
    badgePath: z.string().meta({ description: 'Where its badge is' }),
  })
  .meta({ id: 'IssuedStatusFeed' });

/** {@link statusFeedInput} as a caller writes it, defaults left out. */
export type StatusFeedDraft = z.input<typeof statusFeedInput>;
/** @see statusFeedChanges */
export type StatusFeedChanges = z.input<typeof statusFeedChanges>;
/** @see statusFeed */
export type StatusFeed = z.output<typeof statusFeed>;
/** @see issuedStatusFeed */
export type IssuedStatusFeed = z.output<typeof issuedStatusFeed>;
/** A feed as it is kept. */
export type StatusFeedRecord = StatusFeed & {
  tenantId: string;
  /** What its token is looked up by. The token itself is kept nowhere. */
  tokenHash: string;
};

/** What a feed's token leads to. */
export interface StatusFeedToken {
  /** The token's hash. */
  id: string;
  tenantId: string;
  feedId: string;
}
