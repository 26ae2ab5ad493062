import { newId } from '@dotmac/core';
import { idPageQuery, invalidInput, pageAfter, readDraft, type Page } from '@dotmac/core/contract';
import type { HealthContext } from '../context.js';
import { faultsOfNamed } from '../endpoints/named.js';
import { healthErrors } from '../errors.js';
import { hashOf, newToken } from '../heartbeats/token.js';
import {
  statusFeedChanges,
  statusFeedInput,
  type IssuedStatusFeed,
  type StatusFeed,
  type StatusFeedChanges,
  type StatusFeedDraft,
  type StatusFeedRecord,
} from './status-feed.js';

/** What one tenant shows to the public. */
export interface StatusFeedService {
  /** The feed with its token, which is told this once. @throws INVALID_INPUT, STATUS_FEED_LIMIT_REACHED */
  create(draft: StatusFeedDraft): Promise<IssuedStatusFeed>;
  /** @throws STATUS_FEED_NOT_FOUND */
  get(feedId: string): Promise<StatusFeed>;
  /** In the order of their making. */
  list(ask?: { limit?: number; cursor?: string | undefined }): Promise<Page<StatusFeed>>;
  /** Its token stays. @throws STATUS_FEED_NOT_FOUND, INVALID_INPUT */
  update(feedId: string, changes: StatusFeedChanges): Promise<StatusFeed>;
  /** Gives a feed another token, told this once; the one before is worth nothing. @throws STATUS_FEED_NOT_FOUND */
  rotate(feedId: string): Promise<IssuedStatusFeed>;
  /** @throws STATUS_FEED_NOT_FOUND */
  remove(feedId: string): Promise<{ message: string }>;
}

const mostFeeds = 50;
const show = ({ tenantId: _, tokenHash: __, ...feed }: StatusFeedRecord): StatusFeed => feed;
const issued = (feed: StatusFeedRecord, token: string): IssuedStatusFeed => {
  const path = `/public/status/${token}`;
  return { ...show(feed), path, badgePath: `${path}/badge.svg` };
};

/** The feeds of one scope. */
export function statusFeedService(context: HealthContext, tenantId: string): StatusFeedService {
  const { store, directory, statusBoard, clock } = context;
  const { statusFeeds } = store.tenant(tenantId);
  const missing = (feedId: string) => healthErrors.STATUS_FEED_NOT_FOUND({ feedId });
  const find = async (feedId: string): Promise<StatusFeedRecord> => {
    const found = await statusFeeds.get(feedId);
    if (!found) throw missing(feedId);
    return found;
  };
  const present =
    (feedId: string) =>
    (feed: StatusFeedRecord | undefined): StatusFeedRecord => {
      if (!feed) throw missing(feedId);
      return feed;
    };
  const check = ({ tags, endpoints }: Pick<StatusFeed, 'tags' | 'endpoints'>, before?: StatusFeedRecord): void => {
    const ids = endpoints.map(({ id }) => id);
    // What was listed before may be gone by now.
    const known = before?.endpoints.map(({ id }) => id);
    const issues = faultsOfNamed(ids, { tenantId, directory, known, path: (index) => `endpoints.${index}.id` });
    if (tags.length + endpoints.length === 0)
      issues.push({ path: 'endpoints', message: 'Say what is shown: endpoints or tags' });
    if (issues.length > 0) throw invalidInput(issues);
  };
  return {
    async create(draft) {
      const given = readDraft(statusFeedInput, draft);
      check(given);
      const [now, token] = [clock.now(), newToken()];
      const feed = { ...given, id: newId(), tenantId, tokenHash: hashOf(token), createdAt: now, updatedAt: now };
      await store.transaction(async (trx) => {
        if (!(await statusFeeds.insertWithin(mostFeeds, feed, trx)))
          throw healthErrors.STATUS_FEED_LIMIT_REACHED({ limit: mostFeeds });
        await store.statusFeedTokens.insert({ id: feed.tokenHash, tenantId, feedId: feed.id }, trx);
      });
      return issued(feed, token);
    },
    get: async (feedId) => show(await find(feedId)),
    async list({ limit = 50, cursor } = {}) {
      const { items, nextCursor } = await statusFeeds.list({ limit, after: pageAfter(idPageQuery, cursor) });
      return { items: items.map(show), nextCursor };
    },
    async update(feedId, draft) {
      const given = Object.entries(readDraft(statusFeedChanges, draft)).filter(([, value]) => value !== undefined);
      const changes = Object.fromEntries(given) as Partial<StatusFeedRecord>;
      const changed = await statusFeeds.change(feedId, (is) => {
        const known = present(feedId)(is);
        check({ ...known, ...changes }, known);
        return { ...known, ...changes, updatedAt: clock.now() };
      });
      statusBoard.forget(changed.tokenHash);
      return show(changed);
    },
    async rotate(feedId) {
      const token = newToken();
      let before = '';
      const changed = await store.transaction(async (trx) => {
        const feed = await statusFeeds.change(
          feedId,
          (is) => {
            const known = present(feedId)(is);
            before = known.tokenHash;
            return { ...known, tokenHash: hashOf(token), updatedAt: clock.now() };
          },
          trx,
        );
        await store.statusFeedTokens.remove(before, trx);
        await store.statusFeedTokens.insert({ id: feed.tokenHash, tenantId, feedId }, trx);
        return feed;
      });
      statusBoard.forget(before);
      return issued(changed, token);
    },
    async remove(feedId) {
      const { title, tokenHash } = await store.transaction(async (trx) => {
        // Locked, lest a token that is made meanwhile stays behind.
        const feed = await statusFeeds.change(feedId, present(feedId), trx);
        await statusFeeds.remove(feedId, trx);
        await store.statusFeedTokens.remove(feed.tokenHash, trx);
        return feed;
      });
      statusBoard.forget(tokenHash);
      return { message: `Status feed ${title} was removed.` };
    },
  };
}
