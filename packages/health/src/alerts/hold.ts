import type { Clock } from '@dotmac/core';
import { suppressorOf } from '../dependencies/suppression.js';
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

/**
 * Says what keeps an alert from being told now: a maintenance window, or the trouble of an endpoint that it depends on.
 * The end of what was told is held up by nothing.
 */
export function holds({ directory, calendar, clock }: { directory: Directory; calendar: Calendar; clock: Clock }) {
  return async ({ tenantId, trouble, told }: AlertRecord, telling: Telling): Promise<Hold | undefined> => {
    if (telling === 'resolved' && told) return undefined;
    const now = clock.now();
    const { endpointId, tags } = trouble;
    const window = await calendar.over(tenantId, { id: endpointId ?? '', tags });
    if (window) return { text: `Held while "${window.name}" lasts`, until: Math.min(window.until, now + windowMs) };
    if (endpointId === null) return undefined;
    const root = suppressorOf(endpointId, (id) => directory.get(id), now);
    return root && { text: `Held while "${root.name}" is in trouble`, until: now + suppressedMs };
  };
}
