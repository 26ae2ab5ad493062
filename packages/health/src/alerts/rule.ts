import { id, instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointTag } from '../endpoints/endpoint.js';
import type { Trouble } from './alert.js';
import { alertSeverity, isWorse, type AlertSeverity } from './severity.js';

const fields = {
  name: printable.trim().min(1).max(200).meta({ description: 'For people' }),
  channelIds: z
    .array(id)
    .min(1)
    .max(10)
    .overwrite((ids) => [...new Set(ids)])
    .meta({ description: 'The channels that are told' }),
  severities: z
    .array(alertSeverity)
    .min(1)
    .overwrite((all) => alertSeverity.options.filter((it) => all.includes(it)))
    .meta({
      description:
        'An incident is told of once it is one of degraded, critical, offline; a budget, once it burns so that it is a ticket or a page',
    }),
  tags: z
    .array(endpointTag)
    .max(20)
    .overwrite((tags) => [...new Set(tags)].sort())
    .meta({ description: 'Endpoints and objectives with any of these; empty: all' }),
  reminderInterval: z
    .number()
    .min(60)
    .max(604_800)
    .nullable()
    .meta({ description: 'Seconds from one reminder to the next while nobody has acknowledged; null: none' }),
  enabled: z.boolean(),
};

/** What a rule tells of that says nothing. */
export const defaultSeverities: AlertSeverity[] = ['critical', 'offline'];

/** What making a rule takes. */
export const alertRuleInput = z
  .object({
    ...fields,
    severities: fields.severities.default(defaultSeverities),
    tags: fields.tags.default([]),
    reminderInterval: fields.reminderInterval.default(null),
    enabled: fields.enabled.default(true),
  })
  .meta({ id: 'AlertRuleInput' });

/** What can be changed of a rule. */
export const alertRuleChanges = z.object(fields).partial().meta({ id: 'AlertRuleChanges' });

/** Which incidents and burning budgets which channels are told of. */
export const alertRule = z.object({ id, ...fields, createdAt: instant, updatedAt: instant }).meta({ id: 'AlertRule' });

/** {@link alertRuleInput} as a caller writes it, defaults left out. */
export type AlertRuleDraft = z.input<typeof alertRuleInput>;
/** @see alertRuleChanges */
export type AlertRuleChanges = z.input<typeof alertRuleChanges>;
/** @see alertRule */
export type AlertRule = z.output<typeof alertRule>;
/** A rule as it is kept. */
export type AlertRuleRecord = AlertRule & { tenantId: string };

/** Whether a rule wants a trouble to be told of. */
export function isMeant(rule: AlertRule, { severity, tags }: Pick<Trouble, 'severity' | 'tags'>): boolean {
  const hasTag = rule.tags.length === 0 || rule.tags.some((tag) => tags.includes(tag));
  return rule.enabled && hasTag && rule.severities.includes(severity);
}

/**
 * Whether a rule holds for what its channels were told: an incident is told to its end, so whatever is as bad as the rule
 * asks, or worse, will do.
 */
export function stillHolds(rule: AlertRule, trouble: Pick<Trouble, 'severity' | 'tags' | 'burn'>): boolean {
  if (trouble.burn) return isMeant(rule, trouble);
  return rule.severities.some(
    (severity) => !isWorse(severity, trouble.severity) && isMeant(rule, { ...trouble, severity }),
  );
}

/** A channel that several rules name reminds as often as the most eager of them asks. */
export function reminderMsOf(rules: readonly Pick<AlertRule, 'reminderInterval'>[]): number | null {
  const asked = rules.flatMap(({ reminderInterval }) => (reminderInterval === null ? [] : [reminderInterval * 1_000]));
  return asked.length === 0 ? null : Math.min(...asked);
}
