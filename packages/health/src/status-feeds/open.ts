import { healthErrors } from '../errors.js';
import { hashOf } from '../heartbeats/token.js';
import { statusBadge, svgOf, uptimeBadge } from './badge.js';
import type { StatusBoard } from './board.js';
import type { PublicStatus } from './public-status.js';
import type { UptimeName } from './uptime.js';

/** What anybody can read who knows a feed's token. */
export interface OpenStatusFeeds {
  /** @throws STATUS_NOT_FOUND */
  read(token: string): Promise<PublicStatus>;
  /**
   * A badge as SVG.
   * @param of.show the status, or the percent of a time in which it was there; default `status`
   * @param of.key one endpoint of the feed; default: all together
   * @throws STATUS_NOT_FOUND
   */
  badge(token: string, of?: { show?: 'status' | UptimeName; key?: string | undefined }): Promise<string>;
}

const times: Record<UptimeName, string> = { uptime24h: '24 h', uptime7d: '7 d', uptime30d: '30 d' };

/** Reads feeds for anybody. */
export function openStatusFeeds(board: StatusBoard): OpenStatusFeeds {
  const read = async (token: string): Promise<PublicStatus> => {
    const status = await board.read(hashOf(token));
    if (!status) throw healthErrors.STATUS_NOT_FOUND({});
    return status;
  };
  return {
    read,
    async badge(token, { show = 'status', key } = {}) {
      const { title, endpoints, ...whole } = await read(token);
      const of = key === undefined ? { name: title, ...whole } : endpoints.find((it) => it.key === key);
      if (!of) throw healthErrors.STATUS_NOT_FOUND({});
      return svgOf(
        show === 'status' ? statusBadge(of.name, of.status) : uptimeBadge(`${of.name} ${times[show]}`, of[show]),
      );
    },
  };
}
