import type { Clock } from '@dotmac/core';
import { keptFor } from '../kept-for.js';
import type { Retention } from '../history/resolution.js';
import type { Directory } from '../monitoring/directory.js';
import type { HealthStore } from '../store/store.js';
import type { Calendar } from '../windows/calendar.js';
import { publicStatusOf, shownIn, type PublicStatus } from './public-status.js';
import type { StatusFeedRecord } from './status-feed.js';
import { lastedOf } from './uptime.js';

/** What feeds tell at the moment, however many ask. */
export interface StatusBoard {
  /** Of the feed with this token; undefined when there is none. */
  read(tokenHash: string): Promise<PublicStatus | undefined>;
  /** A feed or its token was changed, here. */
  forget(tokenHash: string): void;
}

/** What a board works with. */
export interface StatusBoardOptions {
  store: HealthStore;
  directory: Directory;
  calendar: Calendar;
  retention: Retention;
  clock: Clock;
}

/** States, which are in memory, and what other processes did to a feed. */
const statusKeptMs = 5_000;
/** What was, and when windows last: these are read from the store. */
const pastKeptMs = 60_000;

/**
 * Makes a board. A feed is looked up once in five seconds and its past is read once a minute, whatever the traffic; a
 * token that leads nowhere costs a look by primary key.
 */
export function createStatusBoard({ store, directory, calendar, retention, clock }: StatusBoardOptions): StatusBoard {
  const statuses = keptFor<PublicStatus | undefined>(statusKeptMs, clock);
  const pasts = keptFor<Awaited<ReturnType<typeof readPast>>>(pastKeptMs, clock);
  const readPast = async ({ tenantId }: StatusFeedRecord, endpointIds: readonly string[]) => ({
    lasted: await lastedOf(store.tenant(tenantId), endpointIds, { now: clock.now(), retention }),
    windows: await calendar.spans(tenantId),
  });
  const read = async (tokenHash: string): Promise<PublicStatus | undefined> => {
    const token = await store.statusFeedTokens.get(tokenHash);
    const feed = token && (await store.tenant(token.tenantId).statusFeeds.get(token.feedId));
    if (feed?.tokenHash !== tokenHash) return undefined;
    const shown = shownIn(feed, directory.ofTenant(feed.tenantId));
    const ids = shown.map(({ kept }) => kept.endpoint.id);
    // Another choice of endpoints has another past.
    const past = await pasts.get(`${feed.id} ${feed.updatedAt}`, () => readPast(feed, ids));
    return publicStatusOf(feed, { shown, ...past, now: clock.now() });
  };
  return {
    async read(tokenHash) {
      const status = await statuses.get(tokenHash, () => read(tokenHash));
      // Those that lead nowhere are not kept: anybody can make up as many as he likes.
      if (!status) statuses.forget(tokenHash);
      return status;
    },
    forget: (tokenHash) => statuses.forget(tokenHash),
  };
}
