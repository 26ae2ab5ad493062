import type { FeedEntry, HistoryStore } from '../store/store.js';
import type { EventFilter } from './event.js';

/** Entries looked through for one page: of rare events a page may be short, or empty, and yet not the last. */
const mostLooked = 2_000;
const atOnce = 500;
/** What is numbered in one go by who wants to come to the end. */
const numberedAtOnce = 5_000;

/** What a look at the feed came to. */
export interface FeedLook {
  entries: FeedEntry[];
  /** Where to go on. */
  position: number;
  hasMore: boolean;
}

/** Reads what comes after a position, giving positions to what has none yet. */
export async function readFeed(
  history: HistoryStore,
  after: number,
  { types, customerId }: EventFilter,
  limit: number,
): Promise<FeedLook> {
  const isAsked = ({ event }: FeedEntry): boolean =>
    (types === undefined || types.includes(event.name)) && (customerId === undefined || event.subject === customerId);
  const isFiltered = types !== undefined || customerId !== undefined;
  const entries: FeedEntry[] = [];
  let position = after;
  for (let looked = 0; looked < mostLooked && entries.length < limit;) {
    const size = isFiltered ? atOnce : limit - entries.length;
    const found = await history.feed(position, size);
    for (const entry of found) {
      if (entries.length === limit) return { entries, position, hasMore: true };
      if (isAsked(entry)) entries.push(entry);
      position = entry.position;
    }
    looked += found.length;
    if (found.length === size) continue;
    // Somebody else may have given positions since.
    const { last } = await history.number(atOnce);
    if (last <= position) return { entries, position, hasMore: false };
  }
  return { entries, position, hasMore: true };
}

/** The position after all that is committed by now; undefined when that is not wanted any more before it is known. */
export async function endOfFeed(
  history: HistoryStore,
  reader: { readonly isOver: boolean },
): Promise<number | undefined> {
  // What nobody has read yet may be a lot.
  while (!reader.isOver) {
    const { last, given } = await history.number(numberedAtOnce);
    if (given === 0) return last;
  }
  return undefined;
}
