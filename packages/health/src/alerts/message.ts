import { id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { incidentSeverity } from '../incidents/incident.js';
import { inWords, isoMinute } from './wording.js';
import type { AlertRecord, Telling } from './alert.js';

/** One thing that a message tells. */
export const alertItem = z
  .object({
    kind: z
      .enum(['opened', 'worsened', 'reminder', 'resolved'])
      .meta({ description: '`resolved` also for what was over before anybody could be told' }),
    incidentId: z.string(),
    endpointId: z.string(),
    endpointName: z.string(),
    severity: incidentSeverity.meta({ description: 'The worst so far' }),
    message: z.string().meta({ description: 'What the check said' }),
    tags: z.array(z.string()),
    startedAt: instant,
    resolvedAt: instant.nullable(),
    duration: z.number().nullable().meta({ description: 'Seconds from start to end; null while it lasts' }),
    text: z.string().meta({ description: 'All of it in a sentence' }),
  })
  .meta({ id: 'AlertItem' });

/** What a channel delivers: at least once, with the same id and the same content on every attempt. */
export const alertMessage = z
  .object({
    id: id.meta({ description: 'The idempotency key: who has it already has had this message' }),
    type: z.enum(['alert', 'test']),
    tenantId: z.string(),
    channelId: z.string(),
    at: instant.meta({ description: 'When it was put together' }),
    text: z.string().meta({ description: 'All of it in a line' }),
    items: z.array(alertItem),
  })
  .meta({ id: 'AlertMessage' });

/** @see alertItem */
export type AlertItem = z.output<typeof alertItem>;
/** @see alertMessage */
export type AlertMessage = z.output<typeof alertMessage>;

/** What a message says of one alert. */
export function itemOf({ trouble }: AlertRecord, kind: Telling): AlertItem {
  const { incidentId, endpointId, endpointName, severity, text: message, startedAt, resolvedAt } = trouble;
  const tags = [...trouble.tags];
  const duration = resolvedAt === null ? null : Math.max(0, resolvedAt - startedAt) / 1_000;
  const said = message === '' ? '' : `: ${message}`;
  const texts: Record<Telling, string> = {
    opened: `${endpointName} is ${severity} since ${isoMinute(startedAt)}${said}`,
    worsened: `${endpointName} is ${severity} now${said}`,
    reminder: `${endpointName} is still ${severity}, since ${isoMinute(startedAt)}${said}`,
    resolved: `${endpointName} is well again, it was ${severity} for ${inWords(duration ?? 0)}`,
  };
  return {
    ...{ kind, incidentId, endpointId, endpointName, severity, message, tags, startedAt, resolvedAt, duration },
    text: texts[kind],
  };
}

/** A line over several items: the only one, or how many of which. */
export function headline(items: readonly Pick<AlertItem, 'kind' | 'text' | 'severity'>[]): string {
  const [only, ...others] = items;
  if (only && others.length === 0) return only.text;
  const counts = new Map<string, number>();
  for (const { kind, severity } of items) {
    const word = kind === 'resolved' ? 'well again' : severity;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return ['offline', 'critical', 'degraded', 'well again']
    .flatMap((word) => (counts.has(word) ? [`${counts.get(word)} ${word}`] : []))
    .join(', ');
}
