import { defineEvents } from '@dotmac/core';
import { instant } from '@dotmac/core/contract';
import { z } from 'zod';
import { endpointStatus } from './endpoints/endpoint.js';
import { incidentSeverity } from './incidents/incident.js';
import type { OutcomeCode } from './probes/outcomes.js';

/** The data of each event, with its instants spelled so. */
const dataWith = (moment: z.ZodType<number>) => {
  const inIncident = {
    incidentId: z.string(),
    endpointName: z.string(),
    severity: incidentSeverity,
    /** What the check found that did it; null when somebody did. */
    code: z.string().nullable().default(null),
    text: z.string(),
    startedAt: moment.default(0),
    /** Null while it lasts. */
    resolvedAt: moment.nullable().default(null),
    /** Of the endpoint. */
    tags: z.array(z.string()).default([]),
    /** The endpoint comes and goes: the incident lasts as long as that does. */
    flapping: z.boolean().default(false),
  };

  const ofObjective = {
    name: z.string(),
    /** The same as long as it burns. */
    burnId: z.string().default(''),
    startedAt: moment.default(0),
    /** Null for an objective of many endpoints. */
    endpointId: z.string().nullable().default(null),
    /** Its tag, or those of its endpoint. */
    tags: z.array(z.string()).default([]),
    windowDays: z.int().default(28),
    /** The share of the budget; negative when it was not enough. */
    left: z.number().default(0),
  };

  return {
    'endpoint.registered': z.object({ name: z.string(), serviceType: z.string() }),
    'endpoint.updated': z.object({ name: z.string(), serviceType: z.string() }),
    'endpoint.removed': z.object({ name: z.string(), serviceType: z.string().default('') }),
    'endpoint.status_changed': z.object({
      name: z.string(),
      from: endpointStatus,
      to: endpointStatus,
      /** What the check found, for programs. */
      code: z.string().default('unspecified' satisfies OutcomeCode),
      message: z.string(),
      /** Of the check that decided it. */
      checkedAt: moment,
      /** Of the first check that spoke for it. */
      since: moment.optional(),
    }),
    'objective.burning': z.object({
      ...ofObjective,
      severity: z.enum(['ticket', 'page']),
      burnRate: z.number(),
      window: z.string(),
    }),
    'objective.recovered': z.object({
      ...ofObjective,
      /** What it was told as last. */
      severity: z.enum(['ticket', 'page']).default('ticket'),
    }),
    'incident.opened': z.object(inIncident),
    'incident.worsened': z.object(inIncident),
    'incident.eased': z.object(inIncident),
    'incident.acknowledged': z.object(inIncident),
    'incident.commented': z.object(inIncident),
    'incident.resolved': z.object(inIncident),
  };
};

/** What happens in the health domain. The subject of each event is the endpoint's id, or the objective's. */
export const healthEvents = defineEvents('health', dataWith(z.int()));

/** What the data of each event are on the wire: their instants are ISO 8601, as everywhere; stored, they are epoch ms. */
export const streamedData = dataWith(instant);

/** The schemas of {@link healthEvents}, for typed listeners. */
export type HealthEvents = typeof healthEvents.schemas;
