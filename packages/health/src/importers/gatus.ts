import { coreErrors } from '@dotmac/core';
import { inWords } from '@dotmac/core/contract';
import { z } from 'zod';
import {
  addressOf,
  CannotCarry,
  carry,
  leftWhole,
  listed,
  placeOf,
  rulesOf,
  tagOf,
  type Carried,
  type CarriedOne,
  type CarryOptions,
  type CarryRules,
  type Draft,
  type Leave,
} from './carried.js';
import { thresholdsOf, type Thresholds } from './gatus-alerts.js';
import { gatusConfig, gatusEndpoint, gatusPushed, type GatusEndpoint } from './gatus-config.js';
import { durationMs, wantedOf } from './gatus-condition.js';
import { allowedStatuses, httpTarget, webSocketTarget } from './http-request.js';
import { pushedTarget } from './pushed.js';

/** What is carried over of an endpoint and of its client; the rest is named in the report. */
const carriedFields = new Set([...Object.keys(gatusEndpoint.shape), 'ui']);
const carriedOfClient = new Set(['insecure', 'ignore-redirect', 'timeout']);

/**
 * The endpoints of a Gatus configuration (https://github.com/TwiN/gatus), as drafts of ours.
 * @param config the configuration as a YAML parser read it
 * @throws INVALID_ARGUMENT when it is no configuration of Gatus
 */
export function fromGatus(config: unknown, options: CarryOptions = {}): Carried {
  return listed(eachOfGatus(config, rulesOf(options)));
}

/** {@link fromGatus}, one after another. */
export function* eachOfGatus(config: unknown, rules: CarryRules): Generator<CarriedOne> {
  const read = gatusConfig.safeParse(config);
  if (!read.success)
    throw coreErrors.INVALID_ARGUMENT({ argument: 'config', reason: 'give the object that a YAML parser made of it' });
  const { alerting, endpoints, 'external-endpoints': pushers, suites } = read.data;
  for (const [index, given] of (endpoints ?? []).entries()) {
    const place = placeOf(given, 'endpoints', index);
    const { data: endpoint, error } = gatusEndpoint.safeParse(given, inWords);
    yield error
      ? leftWhole(place, z.prettifyError(error))
      : carry({ ...place, name: endpoint.name }, rules, (leave) =>
          draftOf(endpoint, thresholdsOf(endpoint.alerts, alerting), leave),
        );
  }
  for (const [index, given] of (pushers ?? []).entries()) {
    const place = placeOf(given, 'external-endpoints', index);
    const { data: pushed, error } = gatusPushed.safeParse(given, inWords);
    yield error
      ? leftWhole(place, z.prettifyError(error))
      : carry({ ...place, name: pushed.name }, rules, (leave) =>
          pushedDraft(pushed, thresholdsOf(pushed.alerts, alerting), leave),
        );
  }
  for (const [index, given] of (suites ?? []).entries())
    yield leftWhole(placeOf(given, 'suites', index), 'Endpoints here do not build on one another');
}

const tagsOf = (group: string | undefined): Pick<Draft, 'tags'> => {
  const tag = group === undefined ? undefined : tagOf(group);
  return tag === undefined ? {} : { tags: [tag] };
};

const pausedUnless = (enabled: boolean): Pick<Draft, 'paused'> => (enabled ? {} : { paused: true });

function leaveAlerts({ alerts }: Pick<GatusEndpoint, 'alerts'>, leave: Leave): void {
  if (alerts?.length) leave('alerts', 'When they speak came along; alert rules say here who is told');
}

function pushedDraft(pushed: z.output<typeof gatusPushed>, thresholds: Thresholds | undefined, leave: Leave): Draft {
  const { enabled = true, group, heartbeat } = pushed;
  if (heartbeat?.interval === undefined)
    throw new CannotCarry('It has no heartbeat.interval, so that nothing says when its results are due');
  leaveAlerts(pushed, leave);
  const period = seconds(heartbeat.interval, 'heartbeat.interval');
  // Each interval without a result is a failure there.
  const grace = ((thresholds?.failures ?? 1) - 1) * period;
  return { ...pushedTarget(period, grace, leave), ...pausedUnless(enabled), ...tagsOf(group) };
}

const mostInARow = 10;

/** A result of Gatus counts at once, unless an alert waits for more of them, which come with its interval. */
function countsOf(thresholds: Thresholds | undefined, checkInterval: number, leave: Leave) {
  const { failures, successes } = thresholds ?? { failures: 1, successes: 1 };
  if (Math.max(failures, successes) > mostInARow) leave('alerts', `Thresholds over ${mostInARow} became ${mostInARow}`);
  return {
    retryCount: Math.min(mostInARow, failures),
    ...(successes > 1 && { recoveryCount: Math.min(mostInARow, successes) }),
    ...(Math.max(failures, successes) > 1 && { recheckInterval: Math.min(3_600, Math.max(1, checkInterval)) }),
  };
}

function draftOf(endpoint: GatusEndpoint, thresholds: Thresholds | undefined, leave: Leave): Draft {
  const { enabled = true, group, interval = '60s', client = {} } = endpoint;
  leaveAlerts(endpoint, leave);
  for (const field of Object.keys(endpoint))
    if (!carriedFields.has(field)) leave(field, 'There is no equal of it here');
  for (const field of Object.keys(client))
    if (!carriedOfClient.has(field)) leave(`client.${field}`, 'There is no equal of it here');
  if (/\$\{?[A-Z_]+/.test(JSON.stringify([endpoint.url, endpoint.headers, endpoint.body])))
    leave('url', 'It names variables of the environment: put their values in');
  const checkInterval = seconds(interval, 'interval');
  return {
    ...targetOf(endpoint, leave),
    ...countsOf(thresholds, checkInterval, leave),
    checkInterval,
    timeout: seconds(client.timeout ?? '10s', 'client.timeout'),
    ...pausedUnless(enabled),
    ...tagsOf(group),
  };
}

/** A duration of YAML: text, or a number of nanoseconds. */
function seconds(given: string, field: string): number {
  const ms = /^\d+$/.test(given) ? Number(given) / 1e6 : durationMs(given);
  if (ms === undefined) throw new CannotCarry(`${field}: ${given} is no duration`);
  return ms / 1_000;
}

const noScheme = 'Its url begins with no scheme';

function targetOf(endpoint: GatusEndpoint, leave: Leave): Draft {
  const { url, dns, conditions, client = {} } = endpoint;
  const tls = client.insecure === true ? { tls: { verify: false } } : {};
  const [scheme = '', rest = ''] = dns ? ['dns', url] : url.split('://', 2);
  const wants = (kind: Parameters<typeof wantedOf>[1]) => {
    const { conditions: carried, expectedResponseTime, ...wanted } = wantedOf(conditions, kind, leave);
    return {
      wanted,
      common: { conditions: carried, ...(expectedResponseTime !== undefined && { expectedResponseTime }) },
    };
  };
  switch (scheme) {
    case 'dns': {
      const { wanted, common } = wants('dns');
      const { rcode, answers } = wanted;
      const { 'query-name': name = '', 'query-type': type = 'A' } = dns ?? {};
      const config = {
        name,
        type,
        ...(rcode !== undefined && { rcode }),
        ...(answers.length > 0 && { expect: answers }),
      };
      return { ...addressOf(rest, 53), serviceType: 'dns', config, ...common };
    }
    case 'http':
    case 'https':
      return httpDraft(endpoint, wants('http'), leave);
    case 'tcp': {
      const { body } = endpoint;
      const said = body && { config: { script: [{ send: body }] } };
      return { ...addressOf(rest), serviceType: 'tcp', ...said, ...wants('other').common };
    }
    case 'icmp':
      return { host: rest, serviceType: 'icmp', ...wants('other').common };
    case 'tls':
      return { ...addressOf(rest), serviceType: 'tls', config: tls.tls ?? {}, ...wants('tls').common };
    case 'starttls':
      // Gatus speaks SMTP to begin with.
      return {
        ...addressOf(rest),
        serviceType: 'tls',
        config: { starttls: 'smtp', ...tls.tls },
        ...wants('tls').common,
      };
    case 'grpc':
    case 'grpcs': {
      const config = scheme === 'grpcs' ? { secure: true, ...tls } : {};
      return { ...addressOf(rest), serviceType: 'grpc', config, ...wants('grpc').common };
    }
    case 'ws':
    case 'wss': {
      const said = endpoint.body === undefined || endpoint.body === '' ? {} : { send: endpoint.body };
      const { insecure } = client;
      const { common } = wants('send' in said ? 'websocket' : 'other');
      return { ...webSocketTarget({ url, headers: endpoint.headers, insecure }, said), ...common };
    }
    case 'ssh':
      if (endpoint.ssh?.username) leave('ssh', 'Nobody logs in here: the server is greeted alone');
      return { ...addressOf(rest, 22), serviceType: 'ssh', ...wants('other').common };
    default:
      throw new CannotCarry(/^[a-z][a-z0-9+.-]*$/i.test(scheme) && rest ? `There is no probe for ${scheme}` : noScheme);
  }
}

function httpDraft(
  endpoint: GatusEndpoint,
  { wanted, common }: { wanted: Pick<ReturnType<typeof wantedOf>, 'statuses'>; common: Pick<Draft, 'conditions'> },
  leave: Leave,
): Draft {
  const { url, method, body, graphql, headers = {}, client = {} } = endpoint;
  const status = allowedStatuses(wanted.statuses);
  if (!status) leave('conditions', 'The conditions on the status allow none, or too many pieces');
  const isTyped = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  return {
    ...httpTarget({
      url,
      method,
      body: graphql && body !== undefined ? JSON.stringify({ query: body }) : body,
      headers: graphql && !isTyped ? { ...headers, 'content-type': 'application/json' } : headers,
      insecure: client.insecure,
      redirects: client['ignore-redirect'] === true ? 0 : 3,
      status,
      read: common.conditions?.some(({ on }) => on.startsWith('body')),
    }),
    ...common,
  };
}
