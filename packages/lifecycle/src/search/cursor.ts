import { id, printable } from '@dotmac/core/contract';
import { z } from 'zod';

/** Where in an order a customer stands: what it is sorted by, the last of it being the id. */
export type Place = readonly (string | number)[];

/** A cursor for the place where a page ended. `order` says of which order it is one. */
export function writeCursor(order: string, place: Place): string {
  return Buffer.from(JSON.stringify([order, ...place])).toString('base64url');
}

const byTime = z.tuple([z.int(), id]);
const byTerm = z.tuple([printable, z.int(), id]);

/** The place that a cursor names; undefined when it is none of this order. */
export function readCursor(order: string, cursor: string): Place | undefined {
  try {
    const [given, ...place] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const shape = order.startsWith('search') ? byTerm : byTime;
    return given === order ? shape.safeParse(place).data : undefined;
  } catch {
    return undefined;
  }
}
