import { id, instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';

/**
 * What is known of an endpoint: `healthy` (answers as expected in time), `degraded` (answers, slowly), `critical`
 * (reachable, but wrong), `offline` (cannot be reached), `unknown` (not checked yet, or the trouble is ours).
 */
export const endpointStatus = z
  .enum(['healthy', 'degraded', 'critical', 'offline', 'unknown'])
  .meta({ id: 'EndpointStatus' });

/** @see endpointStatus */
export type EndpointStatus = z.output<typeof endpointStatus>;

/** How an endpoint is probed. */
const serviceType = z.enum(['tcp', 'http', 'https']).meta({
  description: 'tcp connects; http and https send GET / and judge the status; https judges the certificate too',
});

// A name or an address, nothing that a URL parser could take for more than a host.
const host = z
  .string()
  .min(1)
  .max(253)
  .regex(
    /^(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_.])?|\[?[0-9A-Fa-f:.]+\]?)$/u,
    'Give a host name or an IP address',
  )
  .meta({ description: 'A host name or an IP address', examples: ['gw.example.com', '192.0.2.1'] });

const name = printable
  .trim()
  .min(1)
  .max(200)
  .meta({ description: 'For people', examples: ['Core gateway'] });

/** What registering an endpoint takes. Durations are seconds. */
export const endpointInput = z
  .object({
    name,
    host,
    port: z.int().min(1).max(65_535),
    serviceType,
    checkInterval: z.number().min(5).max(3_600).default(30).meta({ description: 'Seconds from check to check' }),
    timeout: z.number().min(1).max(60).default(5).meta({ description: 'Seconds until a check is given up' }),
    retryCount: z.int().min(1).max(10).default(3).meta({ description: 'Results in a row that worsen the status' }),
    expectedResponseTime: z.number().min(0.1).max(30).default(1).meta({ description: 'Seconds; slower is degraded' }),
  })
  .meta({ id: 'EndpointInput' });

/** An endpoint, with the outcome of its last check. */
export const endpoint = z
  .object({
    id,
    tenantId: z.string(),
    ...endpointInput.shape,
    lastCheck: instant.nullable(),
    lastStatus: endpointStatus,
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Endpoint' });

/** @see endpointInput */
export type EndpointInput = z.output<typeof endpointInput>;
/** {@link EndpointInput} as a caller writes it, defaults left out. */
export type EndpointDraft = z.input<typeof endpointInput>;
/** An endpoint as it is shown. */
export type Endpoint = z.output<typeof endpoint>;
/** An endpoint as it is kept: what it is, without what was found. */
export type EndpointRecord = Omit<Endpoint, 'lastCheck' | 'lastStatus'>;
