import { z } from 'zod';
import { gatusAlerting, gatusAlerts } from './gatus-alerts.js';

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const duration = z.union([z.string().max(100), z.number()]).transform(String);

/** What is looked at of an endpoint of Gatus. */
export const gatusEndpoint = z.looseObject({
  name: text,
  group: text.optional(),
  enabled: z.boolean().optional(),
  url: z.string(),
  interval: duration.optional(),
  method: z.string().optional(),
  body: z.string().optional(),
  graphql: z.boolean().optional(),
  headers: z.record(z.string(), text).optional(),
  // More of them, or longer ones, nobody reads.
  conditions: z.array(z.string().max(1_000)).max(100).default([]),
  alerts: gatusAlerts,
  dns: z.object({ 'query-name': z.string(), 'query-type': z.string() }).optional(),
  ssh: z.looseObject({ username: z.string().optional() }).optional(),
  client: z
    .looseObject({
      insecure: z.boolean().optional(),
      'ignore-redirect': z.boolean().optional(),
      timeout: duration.optional(),
    })
    .optional(),
});

/** @see gatusEndpoint */
export type GatusEndpoint = z.output<typeof gatusEndpoint>;

/** What is pushed to Gatus. */
export const gatusPushed = z.looseObject({
  name: text,
  group: text.optional(),
  enabled: z.boolean().optional(),
  alerts: gatusAlerts,
  heartbeat: z.looseObject({ interval: duration.optional() }).nullish(),
});

/** The lists of a configuration; what is in them is looked at one by one. */
export const gatusConfig = z.looseObject({
  alerting: gatusAlerting,
  endpoints: z.array(z.unknown()).nullish(),
  'external-endpoints': z.array(z.unknown()).nullish(),
  suites: z.array(z.unknown()).nullish(),
});
