import { id, instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import { outcomeCode } from '../probes/outcomes.js';

/** What an endpoint is in an incident. */
export const incidentSeverity = z.enum(['degraded', 'critical', 'offline']);
/** @see incidentSeverity */
export type IncidentSeverity = z.output<typeof incidentSeverity>;

/** What happened in an incident. */
export const incidentEntry = z
  .object({
    id,
    at: instant,
    kind: z
      .enum(['opened', 'worsened', 'eased', 'acknowledged', 'commented', 'resolved', 'told', 'held'])
      .meta({ description: '`told`: a channel was told; `held`: it was not, and why' }),
    actor: z.string().meta({ description: '`system`, or who did it' }),
    code: outcomeCode.nullable().meta({ description: 'What the check found; null when no check did this' }),
    text: z.string(),
  })
  .meta({ id: 'IncidentEntry' });

/** The time an endpoint was not healthy, from the first failed check to the first good one. */
export const incident = z
  .object({
    id,
    endpointId: z.string(),
    endpointName: z.string().meta({ description: 'As it was when the incident began' }),
    status: z.enum(['open', 'acknowledged', 'resolved']),
    severity: incidentSeverity.meta({ description: 'The worst so far' }),
    code: outcomeCode.meta({ description: 'What the check found that opened it, for programs' }),
    message: z.string().meta({ description: 'What the check said that opened it' }),
    startedAt: instant.meta({ description: 'The first of the checks that made the status what it is' }),
    openedAt: instant.meta({ description: 'When enough of them had come' }),
    acknowledgedAt: instant.nullable(),
    acknowledgedBy: z.string().nullable(),
    resolvedAt: instant.nullable(),
    duration: z.number().nullable().meta({ description: 'Seconds from start to end; null while it is open' }),
    suppressedBy: z
      .object({ endpointId: z.string(), name: z.string() })
      .nullable()
      .meta({ description: 'The endpoint further up whose trouble this is; null when it is its own, or over' }),
  })
  .meta({ id: 'Incident' });

/** An incident with all that happened in it. */
export const incidentStory = incident
  .extend({
    timeline: z
      .array(incidentEntry)
      .meta({ description: 'In its order; of more than 1,000, the first and the newest' }),
    timelineLeftOut: z.int().meta({ description: 'How many entries are left out between the first and the rest' }),
  })
  .meta({ id: 'IncidentStory' });

/** Which incidents a list is of. */
export const incidentFilter = z.object({
  status: z
    .enum(['open', 'acknowledged', 'resolved', 'unresolved'])
    .optional()
    .meta({ description: '`unresolved`: both those that are open and those that somebody acknowledged' }),
  endpointId: z.string().max(64).optional().meta({ description: 'Of this endpoint alone' }),
});

/** What can be said to an incident. */
export const incidentNote = z
  .object({ text: printable.trim().min(1).max(2_000).meta({ description: 'In your own words' }) })
  .meta({ id: 'IncidentNote' });

/** What may be said with it. */
export const incidentRemark = z.object({ text: incidentNote.shape.text.optional() }).meta({ id: 'IncidentRemark' });

/** @see incident */
export type Incident = z.output<typeof incident>;
/** @see incidentStory */
export type IncidentStory = z.output<typeof incidentStory>;
/** @see incidentEntry */
export type IncidentEntry = z.output<typeof incidentEntry>;
/** @see incidentFilter */
export type IncidentFilter = z.output<typeof incidentFilter>;
/** An incident as it is kept. */
export type IncidentRecord = Omit<Incident, 'status' | 'duration' | 'suppressedBy'> & { tenantId: string };

/** An incident as it is shown. */
export function shownIncident(
  { tenantId: _, ...record }: IncidentRecord,
  suppressedBy: Incident['suppressedBy'] = null,
): Incident {
  const { startedAt, acknowledgedAt, resolvedAt } = record;
  return {
    ...record,
    status: resolvedAt !== null ? 'resolved' : acknowledgedAt !== null ? 'acknowledged' : 'open',
    duration: resolvedAt === null ? null : (resolvedAt - startedAt) / 1_000,
    suppressedBy: resolvedAt === null ? suppressedBy : null,
  };
}
