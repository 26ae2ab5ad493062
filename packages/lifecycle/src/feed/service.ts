import type { OpenStream, ScopeIdentity } from '@dotmac/core';
import { readDraft, type Page } from '@dotmac/core/contract';
import type { LifecycleContext } from '../context.js';
import { lifecycleErrors } from '../errors.js';
import {
  feedQuery,
  historyQuery,
  shownEntry,
  streamedEntry,
  type CustomerEvent,
  type EventFilter,
  type FeedPage,
  type StreamedCustomerEvent,
} from './event.js';
import { openEntries } from '../privacy/vault.js';
import type { HistoryEntry } from '../store/store.js';
import { endOfFeed, readFeed } from './read-feed.js';
import { foldUntil, shownState, type CustomerState } from './state-at.js';

/** How a feed is read. */
export interface FeedAsk extends EventFilter {
  /** The `nextCursor` of the page before; without it, from the beginning. */
  cursor?: string | undefined;
  /** Default 50, at most 500. */
  limit?: number | undefined;
}

/** How a feed is followed. */
export interface FollowAsk extends EventFilter {
  /** Go on after this event; without it, with what happens from now on. Not known, the first that comes is a `reset`. */
  lastEventId?: string | undefined;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
}

/** What happened to one tenant's customers. */
export interface FeedService {
  /**
   * All events of the tenant in one order that never changes, from whatever process they come: who goes on from the
   * cursor misses none and gets none twice. Of rare events a page may be short though there are more.
   * @throws INVALID_INPUT
   */
  read(ask?: FeedAsk): Promise<FeedPage>;
  /**
   * The same as it happens. It survives restarts of either side, and holds nothing back for a slow reader.
   * @throws STREAM_LIMIT_REACHED, STREAMS_FULL, STREAMS_ENDED (this process has stopped)
   *
   * @example
   * for await (const { event, customerId } of scope.feed.follow({ signal })) show(event, customerId);
   */
  follow(ask?: FollowAsk): AsyncIterable<StreamedCustomerEvent>;
  /**
   * What a customer was at an instant (epoch ms; default now), with its services, from its events.
   * @throws CUSTOMER_NOT_FOUND (also when it was not there yet)
   */
  stateAt(customerId: string, at?: number): Promise<CustomerState>;
  /** A customer's history, newest first, a page at a time. @throws CUSTOMER_NOT_FOUND, INVALID_INPUT */
  history(customerId: string, ask?: Pick<FeedAsk, 'cursor' | 'limit' | 'types'>): Promise<Page<CustomerEvent>>;
}

/** What the streams of a tenant’s feed are told apart by. */
export const feedTopic = (tenantId: string): string => `${tenantId}/feed`;

/** Entries that a stream reads ahead of its reader. */
const aheadOfReader = 100;

/** The feed of one scope. */
export function feedService(context: LifecycleContext, { tenantId }: ScopeIdentity): FeedService {
  const { store, streams, clock } = context;
  const { history, customers } = store.tenant(tenantId);

  /** The entries with what is sealed in them, each opened with its customer's key. */
  const opened = async <Entry extends HistoryEntry>(entries: readonly Entry[]): Promise<Entry[]> =>
    Promise.all(
      entries.map(async (entry) => {
        const [open] = await openEntries(context, tenantId, entry.event.subject, [entry]);
        return { ...entry, ...open };
      }),
    );

  async function* followed(stream: OpenStream, ask: FollowAsk): AsyncGenerator<StreamedCustomerEvent> {
    const begun = await placeOf(stream, ask.lastEventId);
    if (!begun) return;
    let { position } = begun;
    if (begun.isReset) yield { event: 'reset', at: clock.now(), customerId: null, seq: null, actor: null, data: {} };
    while (!stream.isOver) {
      const look = await readFeed(history, position, ask, aheadOfReader);
      for (const entry of await opened(look.entries)) {
        yield streamedEntry(entry, entry.position);
        if (stream.isOver) return;
      }
      position = look.position;
      if (!look.hasMore) await stream.news();
    }
  }
  const placeOf = async (stream: OpenStream, lastEventId: string | undefined) => {
    const end = await endOfFeed(history, stream);
    if (end === undefined) return undefined;
    if (lastEventId === undefined) return { position: end, isReset: false };
    const isKnown = /^\d{1,15}$/.test(lastEventId) && Number(lastEventId) <= end;
    return { position: isKnown ? Number(lastEventId) : end, isReset: !isKnown };
  };

  return {
    async read(ask = {}) {
      const { limit, cursor, ...filter } = readDraft(feedQuery, { ...ask, types: ask.types?.join() });
      const look = await readFeed(history, Number(cursor ?? 0), filter as EventFilter, limit);
      return {
        items: (await opened(look.entries)).map(shownEntry),
        nextCursor: String(look.position),
        hasMore: look.hasMore,
      };
    },
    follow: (ask = {}) =>
      streams.follow({
        ...{ tenantId, topic: feedTopic(tenantId), signal: ask.signal },
        items: (stream) => followed(stream, ask),
      }),
    async stateAt(customerId, at = clock.now()) {
      const state = await foldUntil(history, customerId, at);
      if (!state) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
      return shownState(customerId, at, state);
    },
    async history(customerId, ask = {}) {
      const { limit, cursor, types } = readDraft(historyQuery, { ...ask, types: ask.types?.join() });
      if (!(await customers.get(customerId))) throw lifecycleErrors.CUSTOMER_NOT_FOUND({ customerId });
      const before = cursor === undefined ? undefined : Number(cursor);
      const found = await history.page(customerId, { limit: limit + 1, before, names: types });
      const items = (await opened(found.slice(0, limit))).map(shownEntry);
      return { items, nextCursor: found.length > limit ? String(items.at(-1)?.seq) : null };
    },
  };
}
