import { id, instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { outcomeCode } from '../probes/outcomes.js';
import { inWords, isoMinute } from './wording.js';
import type { AlertRecord, Burn, Telling } from './alert.js';
import type { EndpointStatus } from '../endpoints/endpoint.js';
import { alertSeverity, isWorse } from './severity.js';

/** One thing that a message tells. */
export const alertItem = z
  .object({
    kind: z.enum(['opened', 'worsened', 'reminder', 'resolved']).meta({
      description:
        '`resolved` also for what was over before anybody could be told, and for an incident that was ended by hand or with its endpoint: then `code` is null',
    }),
    incidentId: z.string().meta({ description: 'The same from `opened` to `resolved`, of a budget that burns too' }),
    endpointId: z.string().nullable().meta({ description: 'Null for an objective of many' }),
    endpointName: z.string().meta({ description: 'Or the name of the objective' }),
    severity: alertSeverity.meta({ description: 'The worst so far; of a budget, as it burns' }),
    code: outcomeCode
      .nullable()
      .default(null)
      .meta({ description: 'What the check found, for programs; null for an objective' }),
    message: z.string().meta({ description: 'What the check said; empty for an objective' }),
    objective: z
      .object({ objectiveId: z.string(), rate: z.number(), windowDays: z.int(), left: z.number() })
      .nullable()
      .default(null)
      .meta({
        description:
          'What burns: how many times as fast as would just last, and the share of the budget that is left; null for an incident',
      }),
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

/** What a message says of one alert. @param status what its endpoint is by now, if that is known */
export function itemOf({ trouble }: AlertRecord, kind: Telling, status?: EndpointStatus): AlertItem {
  const { incidentId, endpointId, endpointName, severity, code = null, text: message } = trouble;
  const { startedAt, resolvedAt } = trouble;
  const tags = [...trouble.tags];
  const duration = resolvedAt === null ? null : Math.max(0, resolvedAt - startedAt) / 1_000;
  const { burn: objective = null } = trouble;
  const said = message === '' ? '' : `: ${message}`;
  const lasted = inWords(duration ?? 0);
  const isMilder = status === 'unknown' || (status && status !== 'healthy' && isWorse(severity, status));
  const milder = `${endpointName} is ${status} now; its trouble lasts since ${isoMinute(startedAt)}, at its worst it was ${severity}`;
  const texts: Record<Telling, string> = {
    opened: isMilder ? milder : `${endpointName} is ${severity} since ${isoMinute(startedAt)}${said}`,
    worsened: isMilder ? milder : `${endpointName} is ${severity} now${said}`,
    reminder: isMilder ? milder : `${endpointName} is still ${severity}, since ${isoMinute(startedAt)}${said}`,
    resolved: isWellAgain({ kind: 'resolved', severity, code })
      ? `${endpointName} is well again after ${lasted}; at its worst it was ${severity}`
      : `The incident of ${endpointName} was ended after ${lasted}, not by a check: ${message || 'it was ended by hand'}`,
  };
  return {
    ...{ kind, incidentId, endpointId, endpointName, severity, code, message, tags, startedAt, resolvedAt, duration },
    ...{ objective, text: objective ? burnText(trouble, objective, kind) : texts[kind] },
  };
}

/** Whether an end is that of the trouble: an incident that no check ended may go on. */
export function isWellAgain({ kind, severity, code }: Pick<AlertItem, 'kind' | 'severity' | 'code'>): boolean {
  return kind === 'resolved' && (code !== null || isBurning(severity));
}

function isBurning(severity: AlertItem['severity']): boolean {
  return severity === 'page' || severity === 'ticket';
}

function burnText({ endpointName, startedAt, resolvedAt }: AlertRecord['trouble'], burn: Burn, kind: Telling): string {
  const { rate, windowDays, left } = burn;
  const budget = `The ${windowDays}-day budget of ${endpointName}`;
  const fast = `${rate < 100 ? Math.round(rate * 10) / 10 : Math.round(rate)} times too fast`;
  const rest = left < 0 ? `overspent by ${Math.round(-100 * left)} %` : `${Math.floor(100 * left)} % left`;
  const texts: Record<Telling, string> = {
    opened: `${budget} burns ${fast}; ${rest}`,
    worsened: `${budget} burns ${fast} now; ${rest}`,
    reminder: `${budget} still burns too fast, since ${isoMinute(startedAt)}`,
    resolved: `${budget} burns too fast no more, after ${inWords(((resolvedAt ?? startedAt) - startedAt) / 1_000)}; ${rest}`,
  };
  return texts[kind];
}

/** A line over several items: the only one, or how many of which. */
export function headline(items: readonly Pick<AlertItem, 'kind' | 'text' | 'severity' | 'code'>[]): string {
  const [only, ...others] = items;
  if (only && others.length === 0) return only.text;
  const counts = new Map<string, number>();
  for (const item of items) {
    const { kind, severity } = item;
    const over = isWellAgain(item) ? 'well again' : 'ended';
    const word = kind === 'resolved' ? over : isBurning(severity) ? 'burning' : severity;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return ['offline', 'critical', 'degraded', 'burning', 'ended', 'well again']
    .flatMap((word) => (counts.has(word) ? [`${counts.get(word)} ${word}`] : []))
    .join(', ');
}
