import { coreErrors } from '@dotmac/core';
import { freeForm, id, instant, printable } from '@dotmac/core/contract';
import { z } from 'zod';
import { condition } from '../conditions/condition.js';
import { registrant } from './registrant.js';
import { builtInTypes, type Addressing } from './service-type.js';

/**
 * What is known of an endpoint: `healthy` (answers as expected in time), `degraded` (answers, slowly), `critical`
 * (reachable, but wrong), `offline` (cannot be reached), `unknown` (not checked yet, or the trouble is ours).
 */
export const endpointStatus = z
  .enum(['healthy', 'degraded', 'critical', 'offline', 'unknown'])
  .meta({ id: 'EndpointStatus' });

/** @see endpointStatus */
export type EndpointStatus = z.output<typeof endpointStatus>;

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

/** A word that endpoints are found and grouped by. */
export const endpointTag = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/, 'Letters, digits and ._:/- only, at most 64');
const mostConfig = 16_384;
/** Where a secret is put into a configuration: `Bearer ${secrets.token}`. */
const secretName = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/);

/** What the host application allows endpoints to be. */
export interface EndpointBounds {
  /** The probes there are, and how each is addressed. */
  serviceTypes: Readonly<Record<string, Addressing>>;
  /** Seconds. */
  checkIntervals: { min: number; max: number };
}

/** The probes of this package, and an interval of 5 s to an hour. */
export const defaultBounds: EndpointBounds = { serviceTypes: builtInTypes, checkIntervals: { min: 5, max: 3_600 } };

/**
 * The bounds of check intervals in seconds, as the host sets them.
 * @throws INVALID_ARGUMENT unless they lie between a second and 30 days, the lower below the upper
 */
export function checkIntervalsOf(given: { min?: number; max?: number } = {}): EndpointBounds['checkIntervals'] {
  const bounds = { ...defaultBounds.checkIntervals, ...given };
  const { min, max } = bounds;
  if (!(min >= 1 && min <= max && max <= 2_592_000))
    throw coreErrors.INVALID_ARGUMENT({
      argument: 'checkIntervals',
      reason: 'min is at least 1, max at most 2592000 (30 days), and min not more than max',
    });
  return bounds;
}

/** What can be set of an endpoint, within bounds. */
export const endpointFields = ({ serviceTypes, checkIntervals: { min, max } }: EndpointBounds) => ({
  name,
  host: host.nullable(),
  port: z.int().min(1).max(65_535).nullable(),
  serviceType: z
    .enum(Object.keys(serviceTypes))
    .meta({ description: 'The probe; GET /network-monitoring/probes says what each does' }),
  checkInterval: z.number().min(min).max(max).meta({ description: 'Seconds from check to check' }),
  timeout: z.number().min(1).max(60).meta({ description: 'Seconds until a check is given up' }),
  retryCount: z.int().min(1).max(10).meta({ description: 'Results in a row that worsen the status' }),
  expectedResponseTime: z.number().min(0.1).max(30).meta({ description: 'Seconds; slower is degraded' }),
  recoveryCount: z.int().min(1).max(10).meta({ description: 'Better results in a row that mend the status' }),
  recoveryResponseTime: z.number().min(0.05).max(30).nullable().meta({
    description: 'Seconds; a degraded endpoint is healthy again below this, not just below expected_response_time',
  }),
  minErrorTime: z
    .number()
    .min(0)
    .max(86_400)
    .meta({ description: 'Seconds that worse results must last besides to worsen the status' }),
  recheckInterval: z
    .number()
    .min(1)
    .max(3_600)
    .meta({ description: 'Seconds to the next check while a status is undecided' }),
  config: freeForm
    .refine((value) => JSON.stringify(value).length <= mostConfig, `At most ${mostConfig} characters of JSON`)
    .meta({ description: 'What the probe takes; GET /network-monitoring/probes describes it' }),
  conditions: z.array(condition).max(20).meta({ description: 'What must hold for an answer' }),
  tags: z
    .array(endpointTag)
    .max(20)
    .overwrite((tags) => [...new Set(tags)].sort()),
  dependsOn: z
    .array(id)
    .max(10)
    .overwrite((ids) => [...new Set(ids)].sort())
    .meta({
      description: 'Endpoints without which this one cannot work: while one is down, nobody is told of this one',
    }),
});

const withDefaults = (fields: ReturnType<typeof endpointFields>) => ({
  ...fields,
  host: fields.host.default(null),
  port: fields.port.default(null),
  checkInterval: fields.checkInterval.default(30),
  timeout: fields.timeout.default(5),
  retryCount: fields.retryCount.default(3),
  expectedResponseTime: fields.expectedResponseTime.default(1),
  recoveryCount: fields.recoveryCount.default(1),
  recoveryResponseTime: fields.recoveryResponseTime.default(null),
  minErrorTime: fields.minErrorTime.default(0),
  recheckInterval: fields.recheckInterval.default(1),
  config: fields.config.default({}),
  conditions: fields.conditions.default([]),
  tags: fields.tags.default([]),
  dependsOn: fields.dependsOn.default([]),
});

const secret = z.string().min(1).max(4_096);

// Looked at beside other faults, so that all are told at once.
const always = { when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null };
interface Addressed {
  serviceType: unknown;
  host?: unknown;
  port?: unknown;
}

/** What registering and changing an endpoint take, within bounds. Durations are seconds. */
export function endpointSchemas(bounds: EndpointBounds) {
  const fields = endpointFields(bounds);
  const addressingOf = (type: unknown): Addressing =>
    typeof type === 'string' && Object.hasOwn(bounds.serviceTypes, type)
      ? (bounds.serviceTypes[type] ?? 'port')
      : 'port';
  const isGiven = (value: unknown): boolean => value !== undefined && value !== null;
  const input = z
    .object({
      ...withDefaults(fields),
      secrets: z
        .record(secretName, secret)
        .default({})
        .meta({ description: 'Kept sealed and never shown; `config` names them as ${secrets.name}' }),
      paused: z.boolean().default(false).meta({ description: 'Whether to leave it alone until it is resumed' }),
    })
    .refine((it: Addressed) => addressingOf(it.serviceType) === 'none' || isGiven(it.host), {
      ...always,
      path: ['host'],
      message: 'Give a host name or an IP address',
    })
    .refine((it: Addressed) => addressingOf(it.serviceType) !== 'port' || isGiven(it.port), {
      ...always,
      path: ['port'],
      message: 'Give a port',
    })
    .meta({ id: 'EndpointInput' });
  const changes = z
    .object({
      ...fields,
      secrets: z.record(secretName, secret.nullable()).meta({
        description:
          'Those named are set, or removed by null. Another host, port, probe or user, or a peer that is verified less (not at all, without TLS, by another `ca` or `servername`), removes all others',
      }),
    })
    .partial()
    .meta({ id: 'EndpointChanges' });
  return { input, changes };
}

/** @see endpointSchemas */
export type EndpointSchemas = ReturnType<typeof endpointSchemas>;

/** What can be set of an endpoint, as it is shown: whatever the host's bounds are. */
const shownFields = {
  ...endpointFields(defaultBounds),
  host: z.string().nullable(),
  serviceType: z.string(),
  checkInterval: z.number(),
};

/** What would be registered, its secrets left out. */
export const shownDraft = z.object({ ...shownFields, paused: z.boolean() }).meta({ id: 'EndpointDraft' });

/** An endpoint, with the outcome of its last check. */
export const endpoint = z
  .object({
    id,
    tenantId: z.string(),
    ...shownFields,
    secretNames: z.array(z.string()).meta({ description: 'The names of its secrets' }),
    registeredBy: registrant.meta({
      description: 'Who said where it lies: the host application, or a tenant. Each may reach other networks',
    }),
    pausedAt: instant.nullable(),
    lastCheck: instant.nullable(),
    lastStatus: endpointStatus,
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Endpoint' });

/** Which endpoints a list is of. */
export const endpointFilter = z.object({
  status: endpointStatus.optional().meta({ description: 'Those with this status' }),
  serviceType: z.string().max(40).optional().meta({ description: 'Those that this probe checks' }),
  tag: endpointTag.optional().meta({ description: 'Those with this tag' }),
  paused: z.stringbool().optional().meta({ description: 'true: those that are paused; false: the others' }),
});

/** @see endpointSchemas */
export type EndpointChanges = z.input<EndpointSchemas['changes']>;
/** @see endpointFilter */
export type EndpointFilter = z.output<typeof endpointFilter>;
/** @see endpointSchemas */
export type EndpointInput = z.output<EndpointSchemas['input']>;
/** {@link EndpointInput} as a caller writes it, defaults left out. */
export type EndpointDraft = z.input<EndpointSchemas['input']>;
/** An endpoint as it is shown. */
export type Endpoint = z.output<typeof endpoint>;
/** An endpoint as it is kept: what it is, without what was found. Its secrets are sealed. */
export type EndpointRecord = Omit<Endpoint, 'lastCheck' | 'lastStatus' | 'secretNames'> & {
  secrets: Readonly<Record<string, string>>;
};
