import { z } from 'zod';
import { printable } from './formats.js';
import { readDraft } from './read-draft.js';

/** The query of every list: how many, and where the last page ended. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50).meta({ description: 'How many items at the most' }),
  cursor: printable.max(500).optional().meta({ description: 'The `next_cursor` of the page before' }),
});

/**
 * The same of a list whose cursors look like this. What is none would lead to no items at all, or to the first ones again and
 * again; and not every database compares its columns with any text.
 */
export const pageQueryOf = (cursor: RegExp) =>
  pageQuery.extend({
    cursor: z
      .string()
      .regex(cursor, 'This is no cursor of such a list')
      .optional()
      .meta({ description: 'The `next_cursor` of the page before' }),
  });

/** The query of a list in the order of ids: a cursor is one. */
export const idPageQuery = pageQueryOf(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

/** The query of a list of what an outbox gave up, in the order in which it did. */
export const parkedPageQuery = pageQueryOf(/^\d{1,15}\.\d{1,15}$/);

/**
 * Where a page begins, for whoever asks in code: after this; null for the first page.
 * @throws INVALID_INPUT for a cursor that the query refuses
 */
export function pageAfter(query: ReturnType<typeof pageQueryOf>, cursor: string | undefined): string | null {
  return readDraft(query, { cursor }).cursor ?? null;
}

/** A page of items. `nextCursor` is null on the last one; it is opaque and stays valid while items come and go. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** @see page */
export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}
