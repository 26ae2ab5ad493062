import { defineEvents } from '@dotmac/core';
import { z } from 'zod';
import { endpointStatus } from './endpoints/endpoint.js';
import { incidentSeverity } from './incidents/incident.js';

const inIncident = {
  incidentId: z.string(),
  endpointName: z.string(),
  severity: incidentSeverity,
  text: z.string(),
  /** Epoch ms. */
  startedAt: z.int().default(0),
  /** Epoch ms; null while it lasts. */
  resolvedAt: z.int().nullable().default(null),
  /** Of the endpoint. */
  tags: z.array(z.string()).default([]),
  /** The endpoint comes and goes too often to tell of every time. */
  flapping: z.boolean().default(false),
};

const ofObjective = {
  name: z.string(),
  /** The same as long as it burns. */
  burnId: z.string().default(''),
  /** Epoch ms. */
  startedAt: z.int().default(0),
  /** Null for an objective of many endpoints. */
  endpointId: z.string().nullable().default(null),
  /** Its tag, or those of its endpoint. */
  tags: z.array(z.string()).default([]),
  windowDays: z.int().default(28),
  /** The share of the budget; negative when it was not enough. */
  left: z.number().default(0),
};

/** What happens in the health domain. The subject of each event is the endpoint's id, or the objective's. */
export const healthEvents = defineEvents('health', {
  'endpoint.registered': z.object({ name: z.string(), serviceType: z.string() }),
  'endpoint.updated': z.object({ name: z.string(), serviceType: z.string() }),
  'endpoint.removed': z.object({ name: z.string(), serviceType: z.string().default('') }),
  'endpoint.status_changed': z.object({
    name: z.string(),
    from: endpointStatus,
    to: endpointStatus,
    message: z.string(),
    /** Epoch ms of the check that decided it. */
    checkedAt: z.int(),
    /** Epoch ms of the first check that spoke for it. */
    since: z.int().optional(),
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
});

/** The schemas of {@link healthEvents}, for typed listeners. */
export type HealthEvents = typeof healthEvents.schemas;
