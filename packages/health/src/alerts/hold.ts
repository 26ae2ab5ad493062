import type { Clock } from '@dotmac/core';
import { suppressorOf, unaskedOf } from '../dependencies/suppression.js';
import type { ClockSteps } from '../monitoring/clock-steps.js';
import type { Directory } from '../monitoring/directory.js';
import type { Calendar } from '../windows/calendar.js';
import type { AlertRecord, Telling } from './alert.js';

/** What keeps an alert from being told, and until when to leave it. */
export interface Hold {
  /** For the incident's timeline. */
  text: string;
  /** Epoch ms. */
  until: number;
}

/** Windows are changed and ended early: they are asked again after this. */
const windowMs = 60_000;
/** How often to look whether what explains a trouble is over. */
const suppressedMs = 5_000;
/** How often to look whether a parent has been looked at. */
const unaskedMs = 1_000;

/**
 * Says what keeps an alert from being told now: a maintenance window, that its endpoint is paused, or the trouble of an endpoint that it depends on,
 * which may not be known yet.
 * The end of what was told is held up by nothing.
 */
export function holds({
  directory,
  calendar,
  clock,
  steps,
}: {
  directory: Directory;
  calendar: Calendar;
  clock: Clock;
  steps: Pick<ClockSteps, 'since'>;
}) {
  return async ({ tenantId, trouble, told }: AlertRecord, telling: Telling): Promise<Hold | undefined> => {
    if (telling === 'resolved' && told) return undefined;
    const { endpointId, tags } = trouble;
    const window = await calendar.over(tenantId, { id: endpointId ?? '', tags });
    if (window)
      return { text: `Held while "${window.name}" lasts`, until: Math.min(window.until, clock.now() + windowMs) };
    if (endpointId === null) return undefined;
    const startedAt = trouble.startedAt + steps.since(trouble.startedAt);
    const now = clock.now();
    const lookup = (id: string) => directory.get(id);
    // Nobody looks, so nobody knows.
    const isPaused = telling !== 'resolved' && typeof lookup(endpointId)?.endpoint.pausedAt === 'number';
    if (isPaused) return { text: 'Held while it is paused', until: now + windowMs };
    const root = suppressorOf(endpointId, lookup, now);
    if (root) return { text: `Held while "${root.name}" is in trouble`, until: now + suppressedMs };
    // What is over by now is told as that: nobody is called out for it.
    const unasked = telling === 'opened' && unaskedOf(endpointId, lookup, { startedAt, now });
    return unasked ? { text: `Held until "${unasked.name}" has been looked at`, until: now + unaskedMs } : undefined;
  };
}
