import { z } from 'zod';
import type { Draft, Leave } from './carried.js';
import { httpTarget } from './http-request.js';
import { bodyConditions } from './uptime-kuma-condition.js';
import { needed, type KumaMonitor } from './uptime-kuma-monitor.js';
import { atMost } from './uptime-kuma-rest.js';

const contentTypes: Record<string, string> = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  xml: 'text/xml; charset=utf-8',
};

/** A monitor that sends a request: `http`, `keyword` and `json-query`. */
export function requestDraft(monitor: KumaMonitor, leave: Leave): Draft {
  const { body, ignoreTls } = monitor;
  const given = headersOf(monitor, leave);
  const isTyped = Object.keys(given).some((name) => name.toLowerCase() === 'content-type');
  const type = contentTypes[monitor.httpBodyEncoding ?? 'json'];
  const conditions = bodyConditions(monitor, leave);
  return {
    ...httpTarget({
      url: needed(monitor.url, 'url'),
      method: monitor.method ?? undefined,
      headers: body && type !== undefined && !isTyped ? { ...given, 'content-type': type } : given,
      body: body ?? undefined,
      ...credentialsOf(monitor, leave),
      insecure: ignoreTls ?? undefined,
      redirects: atMost(3, monitor.maxredirects ?? 3, 'maxredirects', leave),
      status: (monitor.accepted_statuscodes ?? ['200-299']).map((it) => (it.includes('-') ? it : Number(it))),
      read: conditions.length > 0,
    }),
    conditions,
  };
}

/**
 * RabbitMQ's own health check, of its management API (https://www.rabbitmq.com/docs/management); of several nodes the
 * first is asked.
 */
export function rabbitmqDraft({ rabbitmqNodes, rabbitmqUsername, rabbitmqPassword }: KumaMonitor, leave: Leave): Draft {
  const [node, ...others] = needed(rabbitmqNodes, 'rabbitmqNodes');
  if (others.length > 0) leave('rabbitmqNodes', 'Only the first is asked: make an endpoint of each');
  const base = needed(node, 'rabbitmqNodes').replace(/\/?$/, '/');
  return httpTarget({
    url: `${base}api/health/checks/alarms/`,
    headers: { accept: 'application/json' },
    user: { name: rabbitmqUsername ?? '', password: rabbitmqPassword ?? '' },
    status: [200],
  });
}

function credentialsOf(monitor: KumaMonitor, leave: Leave) {
  const { authMethod, basic_auth_user: name, basic_auth_pass: password, bearer_token: token } = monitor;
  switch (authMethod ?? '') {
    case '':
    case 'basic':
      return name ? { user: { name, password: password ?? '' } } : {};
    case 'bearer':
      return { token: needed(token, 'bearer_token') };
    case 'mtls': {
      const { tlsCa: ca, tlsCert, tlsKey } = monitor;
      const certificate = { cert: needed(tlsCert, 'tlsCert'), key: needed(tlsKey, 'tlsKey') };
      return { certificate: { ...certificate, ...(ca && { ca }) } };
    }
    default:
      leave('authMethod', `There is no equal of ${authMethod} here`);
      return {};
  }
}

const headerTexts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String));

function headersOf({ headers }: KumaMonitor, leave: Leave): Record<string, string> {
  if (!headers) return {};
  const read = headerTexts.safeParse(parsed(headers));
  if (!read.success) leave('headers', 'They are no JSON object');
  return read.data ?? {};
}

/** What JSON says; undefined when it is none. */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
