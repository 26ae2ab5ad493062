import { createHash } from 'node:crypto';
import { instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointStatus } from '../endpoints/endpoint.js';
import { incidentSeverity } from '../incidents/incident.js';
import type { KeptEndpoint } from '../monitoring/directory.js';
import { figuresOf } from '../summary/summary.js';
import type { WindowSpan } from '../windows/calendar.js';
import { covers } from '../windows/window.js';
import { mostShown, type StatusFeedRecord } from './status-feed.js';
import { uptimeOf, uptimeShape, type Lasted } from './uptime.js';

const key = z.string().meta({ description: 'Names an endpoint within this feed, and nowhere else' });

/** What the public sees: no target, host, tag or message, and no id of anything. */
export const publicStatus = z
  .object({
    title: z.string(),
    status: endpointStatus.meta({ description: 'All of them together' }),
    ...uptimeShape,
    endpoints: z.array(
      z.object({ key, name: z.string(), status: endpointStatus, since: instant.nullable(), ...uptimeShape }),
    ),
    incidents: z
      .array(z.object({ key, name: z.string(), severity: incidentSeverity, startedAt: instant }))
      .meta({ description: 'Those that last, the newest first' }),
    maintenance: z
      .array(z.object({ startsAt: instant, endsAt: instant, lasts: z.boolean(), keys: z.array(key) }))
      .meta({ description: 'What lasts and what comes next, by time; at most 20' }),
  })
  .meta({ id: 'PublicStatus' });

/** @see publicStatus */
export type PublicStatus = z.output<typeof publicStatus>;

const mostWindows = 20;

/** An endpoint, and what the public calls it. */
export interface ShownEndpoint {
  kept: KeptEndpoint;
  name: string;
}

/** The endpoints that a feed shows: those that it lists, in their order, and those with a tag, by age. */
export function shownIn(
  { tags, endpoints }: Pick<StatusFeedRecord, 'tags' | 'endpoints'>,
  ofTenant: Iterable<KeptEndpoint>,
): ShownEndpoint[] {
  const names = new Map<string, string | null>(endpoints.map(({ id, displayName }) => [id, displayName]));
  const listed = new Map<string, ShownEndpoint>();
  const tagged: ShownEndpoint[] = [];
  for (const kept of ofTenant) {
    const { endpoint } = kept;
    const name = names.get(endpoint.id);
    if (name !== undefined) listed.set(endpoint.id, { kept, name: name ?? endpoint.name });
    else if (endpoint.tags.some((tag) => tags.includes(tag))) tagged.push({ kept, name: endpoint.name });
  }
  const inOrder = [...names.keys()].flatMap((id) => listed.get(id) ?? []);
  return [...inOrder, ...tagged].slice(0, mostShown);
}

/** What a feed calls an endpoint: the same as long as both last, and worth nothing elsewhere. */
function keyOf(feedId: string, endpointId: string): string {
  return createHash('sha256').update(`${feedId}/${endpointId}`).digest('base64url').slice(0, 12);
}

/** What a feed tells, from kept states, from how long its endpoints were what, and from the windows of their tenant. */
export function publicStatusOf(
  { id: feedId, title }: Pick<StatusFeedRecord, 'id' | 'title'>,
  {
    shown,
    lasted,
    windows,
    now,
  }: {
    shown: readonly ShownEndpoint[];
    lasted: ReadonlyMap<string, Lasted>;
    windows: readonly WindowSpan[];
    now: number;
  },
): PublicStatus {
  const keys = new Map(shown.map(({ kept: { endpoint } }) => [endpoint.id, keyOf(feedId, endpoint.id)]));
  const named = ({ kept: { endpoint }, name }: ShownEndpoint) => ({ key: keys.get(endpoint.id) ?? '', name });
  const uptimeOfSome = (ids: readonly string[]) => uptimeOf(ids.flatMap((id) => lasted.get(id) ?? []));
  return {
    title,
    status: figuresOf(
      shown.map(({ kept }) => kept),
      now,
    ).overallStatus,
    ...uptimeOfSome([...keys.keys()]),
    endpoints: shown.map((it) => ({
      ...named(it),
      status: it.kept.status,
      since: it.kept.since,
      ...uptimeOfSome([it.kept.endpoint.id]),
    })),
    incidents: shown
      .flatMap((it) => {
        const { incident } = it.kept;
        return incident ? [{ ...named(it), severity: incident.severity, startedAt: incident.startedAt }] : [];
      })
      .sort((a, b) => b.startedAt - a.startedAt),
    maintenance: windows
      .filter(({ until }) => until > now)
      .flatMap(({ window, from, until }) => {
        const covered = shown.filter(({ kept: { endpoint } }) => covers(window, endpoint));
        const about = covered.flatMap(({ kept }) => keys.get(kept.endpoint.id) ?? []);
        return about.length === 0 ? [] : [{ startsAt: from, endsAt: until, lasts: from <= now, keys: about }];
      })
      .sort((a, b) => a.startsAt - b.startsAt)
      .slice(0, mostWindows),
  };
}
