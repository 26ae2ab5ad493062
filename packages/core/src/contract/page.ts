import { z } from 'zod';
import { printable } from './formats.js';

/** The query of every list: how many, and where the last page ended. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50).meta({ description: 'How many items at the most' }),
  cursor: printable.max(500).optional().meta({ description: 'The `next_cursor` of the page before' }),
});

/** The same of a list in the order of ids. A cursor is one: not every database compares its ids with any text. */
export const idPageQuery = pageQuery.extend({
  cursor: z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/, 'This is no cursor of such a list')
    .optional()
    .meta({ description: 'The `next_cursor` of the page before' }),
});

/** A page of items. `nextCursor` is null on the last one; it is opaque and stays valid while items come and go. */
export function page<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** @see page */
export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}
