import { invalidInput, type Page } from '@dotmac/core/contract';
import type { HealthContext } from '../context.js';
import type { EndpointRecord } from '../endpoints/endpoint.js';
import { healthErrors } from '../errors.js';
import type { Bucket } from './bucket.js';
import { keptResultsOf } from './kept-results.js';
import { planWindow, readBy } from './resolution.js';
import type { CheckResult, Ring } from './result.js';
import { shownAs, type ShownResult } from './shown-result.js';
import { seriesOf, spanOf, trendOf, type Trend, type TrendWindow } from './trend.js';

/** What one tenant's endpoints did. */
export interface HistoryService {
  /**
   * How an endpoint did: over the last hours, the last check included, or over any window of the last 400 days. Where
   * minutes and hours are not kept any more, a window begins and ends with whole ones of what is.
   * @param window hours, 1 to 9,600 (400 days), or from when until when; default the last 24 hours
   * @throws ENDPOINT_NOT_FOUND, INVALID_INPUT
   */
  trend(endpointId: string, window?: number | TrendWindow): Promise<Trend>;
  /**
   * The kept checks of an endpoint one by one, newest first: the last of all (`recent`), or the last that were not
   * healthy (`issues`).
   * @throws ENDPOINT_NOT_FOUND, INVALID_INPUT
   */
  results(
    endpointId: string,
    ask?: { kind?: Ring; limit?: number; cursor?: string | undefined },
  ): Promise<Page<ShownResult>>;
}

const issuesShown = 20;

/** The history of one scope. */
export function historyService(context: HealthContext, tenantId: string): HistoryService {
  const { store, recorder, clock, retention } = context;
  const endpoints = store.tenant(tenantId);
  const find = async (endpointId: string): Promise<EndpointRecord> => {
    const found = await endpoints.get(endpointId);
    if (!found) throw healthErrors.ENDPOINT_NOT_FOUND({ endpointId });
    await recorder.flush([endpointId]);
    return found.endpoint;
  };
  const kept = (endpointId: string, ring: Ring): Promise<CheckResult[]> =>
    keptResultsOf(context, { tenantId, endpointId, ring });
  return {
    async trend(endpointId, window = {}) {
      const { from, until } = spanOf(typeof window === 'number' ? { hours: window } : window, clock.now());
      const endpoint = await find(endpointId);
      const hours = (until - from) / 3_600_000;
      const { coarsest } = seriesOf(hours);
      const spans = planWindow({ from, until, now: clock.now(), coarsest }, retention);
      const bucketsOf = async (inMaintenance: boolean): Promise<Bucket[]> =>
        (await Promise.all(spans.map((span) => endpoints.buckets(endpointId, { ...span, inMaintenance })))).flat();
      const [buckets, maintenance] = await Promise.all([bucketsOf(false), bucketsOf(true)]);
      const issues = (await kept(endpointId, 'issues')).filter(({ at }) => at >= from && at < until);
      const read = readBy(spans, clock.now() + 1);
      return trendOf(endpoint, hours, { buckets, maintenance, read, issues: issues.slice(0, issuesShown) });
    },
    async results(endpointId, { kind = 'recent', limit = 50, cursor } = {}) {
      const place = cursor === undefined ? undefined : placeOf(cursor);
      await find(endpointId);
      const found = await kept(endpointId, kind);
      const from = place ? indexOf(found, place) : 0;
      const until = from + limit;
      const items = found.slice(from, until).map(shownAs);
      return { items, nextCursor: found.length > until ? cursorAt(found, until) : null };
    },
  };
}

/** Where a page begins: with the `left` oldest results of the instant `at`, for one instant may have several. */
interface Place {
  at: number;
  left: number;
}

/** @throws INVALID_INPUT */
function placeOf(cursor: string): Place {
  const [, at, left = '0'] = /^(\d{1,15})(?:\.(\d{1,6}))?$/.exec(cursor) ?? [];
  if (at === undefined) throw invalidInput([{ path: 'cursor', message: 'This is no cursor of a page before' }]);
  return { at: Number(at), left: Number(left) };
}

/** Where a place is among results, the newest first. */
function indexOf(results: readonly CheckResult[], place: Place): number {
  const firstOf = (holds: (result: CheckResult) => boolean): number => {
    const index = results.findIndex(holds);
    return index < 0 ? results.length : index;
  };
  return Math.max(
    firstOf(({ at }) => at <= place.at),
    firstOf(({ at }) => at < place.at) - place.left,
  );
}

/** The cursor of a page that begins with the result at an index, which is not the first. */
function cursorAt(results: readonly CheckResult[], index: number): string {
  const at = results[index - 1]?.at ?? 0;
  let end = index;
  while (results[end]?.at === at) end++;
  return end === index ? String(at) : `${at}.${end - index}`;
}
