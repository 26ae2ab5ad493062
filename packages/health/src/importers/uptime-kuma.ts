import { coreErrors } from '@dotmac/core';
import { z } from 'zod';
import { readPath } from '../conditions/path.js';
import { CannotCarry, carrying, tagOf, type Carried, type CarryOptions, type Draft, type Leave } from './carried.js';
import { databaseServer } from './database-server.js';
import { httpTarget, webSocketTarget } from './http-request.js';
import { pushedTarget } from './pushed.js';

const text = z.string().nullish();
const count = z.coerce.number().nullish();
const kumaMonitor = z.looseObject({
  id: z.number().optional(),
  name: z.string(),
  type: z.string(),
  active: z.coerce.boolean().nullish(),
  parent: z.number().nullish(),
  url: text,
  hostname: text,
  port: count,
  method: text,
  headers: text,
  body: text,
  httpBodyEncoding: text,
  authMethod: text,
  basic_auth_user: text,
  basic_auth_pass: text,
  ignoreTls: z.boolean().nullish(),
  maxredirects: count,
  accepted_statuscodes: z.array(z.string()).nullish(),
  keyword: text,
  invertKeyword: z.boolean().nullish(),
  jsonPath: text,
  jsonPathOperator: text,
  expectedValue: text,
  upsideDown: z.boolean().nullish(),
  interval: count,
  retryInterval: count,
  maxretries: count,
  timeout: count,
  packetSize: count,
  dns_resolve_type: text,
  dns_resolve_server: text,
  smtpSecurity: text,
  wsSubprotocol: text,
  databaseConnectionString: text,
  databaseQuery: text,
  proxyId: z.number().nullish(),
  expiryNotification: z.boolean().nullish(),
  tags: z.array(z.looseObject({ name: z.string(), value: text })).nullish(),
});

type Monitor = z.output<typeof kumaMonitor>;

const backup = z.looseObject({ monitorList: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]) });

/** Why a type has no equal. */
const without: Record<string, string> = {
  group: 'A group is a tag of its members here',
  docker: 'Containers are checked by a target that the host application names in code',
  sqlserver: 'There is no probe for SQL Server',
  radius: 'Register it with the probe of @dotmac/probes-isp',
  snmp: 'Register it with the probe of @dotmac/probes-isp',
  mongodb: 'There is no probe for MongoDB',
  'grpc-keyword': 'gRPC is asked for its health here (grpc.health.v1), and not for a method of its own',
};

/**
 * The monitors of an Uptime Kuma backup (https://github.com/louislam/uptime-kuma), as drafts of ours.
 * @param given the backup that version 1 writes, as text or parsed; the monitor list of version 2 has the same fields
 * @throws INVALID_ARGUMENT when it is no backup of Uptime Kuma
 */
export function fromUptimeKuma(given: unknown, options: CarryOptions = {}): Carried {
  const read = backup.safeParse(typeof given === 'string' ? parsed(given) : given);
  if (!read.success) throw coreErrors.INVALID_ARGUMENT({ argument: 'backup', reason: 'there is no monitorList in it' });
  const { carried, carry, leaveWhole } = carrying(options);
  const monitors = Object.values(read.data.monitorList).flatMap((it, index) => {
    const monitor = kumaMonitor.safeParse(it);
    if (!monitor.success) leaveWhole(`monitorList[${index}]`, z.prettifyError(monitor.error));
    return monitor.success ? [monitor.data] : [];
  });
  const groups = new Map(monitors.flatMap((it) => (it.type === 'group' ? [[it.id, it.name] as const] : [])));
  for (const monitor of monitors)
    carry(monitor.name, (leave) => draftOf(monitor, groups.get(monitor.parent ?? undefined), leave));
  return carried;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function draftOf(monitor: Monitor, group: string | undefined, leave: Leave): Draft {
  const { interval, retryInterval, maxretries, timeout } = monitor;
  const target = targetOf(monitor, leave);
  if (monitor.active === false) throw new CannotCarry('It is paused');
  if (monitor.upsideDown) throw new CannotCarry('Nothing here wants a failure (upsideDown)');
  if (monitor.proxyId) leave('proxyId', 'Checks here go through no proxy');
  if (monitor.expiryNotification)
    leave('expiryNotification', 'Set config.tls.days for a warning before the certificate expires');
  const tags = [group, ...(monitor.tags ?? []).map(({ name, value }) => (value ? `${name}:${value}` : name))]
    .flatMap((it) => (it === undefined ? [] : [tagOf(it)]))
    .filter((it) => it !== undefined);
  const tagged = tags.length > 0 && { tags: tags.slice(0, 20) };
  // The interval and the retries of a job that pushes say when it is late.
  if (monitor.type === 'push') return { ...target, ...tagged };
  const checkInterval = interval ?? 60;
  return {
    ...target,
    checkInterval,
    // Kuma's own default: four fifths of the interval.
    timeout: timeout ? timeout : Math.min(60, checkInterval * 0.8),
    retryCount: Math.min(10, (maxretries ?? 0) + 1),
    ...(retryInterval && { recheckInterval: Math.min(3_600, Math.max(1, retryInterval)) }),
    ...tagged,
  };
}

function needed<Value>(value: Value | null | undefined, field: string): Value {
  if (value === null || value === undefined || value === '') throw new CannotCarry(`It has no ${field}`);
  return value;
}

function targetOf(monitor: Monitor, leave: Leave): Draft {
  const { type, hostname, port } = monitor;
  switch (type) {
    case 'http':
    case 'keyword':
    case 'json-query':
      return httpDraft(monitor, leave);
    case 'push':
      return pushedTarget(monitor.interval ?? 60, (monitor.maxretries ?? 0) * (monitor.retryInterval ?? 60), leave);
    case 'port':
      return { host: needed(hostname, 'hostname'), port: needed(port, 'port'), serviceType: 'tcp' };
    case 'ping': {
      const size = monitor.packetSize;
      return { host: needed(hostname, 'hostname'), serviceType: 'icmp', ...(size && { config: { size } }) };
    }
    case 'dns': {
      const [server = '', ...others] = needed(monitor.dns_resolve_server, 'dns_resolve_server').split(/[\s,]+/);
      if (others.length > 0) leave('dns_resolve_server', `Only ${server} is asked`);
      const config = { name: needed(hostname, 'hostname'), type: monitor.dns_resolve_type ?? 'A' };
      return { host: server, port: port ?? 53, serviceType: 'dns', config };
    }
    case 'smtp': {
      const config = { secure: { secure: true }, starttls: { starttls: true } }[monitor.smtpSecurity ?? ''] ?? {};
      return { host: needed(hostname, 'hostname'), port: port ?? 25, serviceType: 'smtp', config };
    }
    case 'postgres':
    case 'mysql':
    case 'redis':
      if (monitor.databaseQuery) leave('databaseQuery', 'It is asked for its version, and no query of its own');
      return databaseServer(needed(monitor.databaseConnectionString, 'databaseConnectionString'));
    case 'websocket-upgrade': {
      const protocol = monitor.wsSubprotocol;
      const there = { url: needed(monitor.url, 'url'), insecure: monitor.ignoreTls ?? undefined };
      return webSocketTarget(there, protocol ? { subprotocol: protocol } : {});
    }
    default:
      throw new CannotCarry(without[type] ?? `There is no probe for ${type}`);
  }
}

const contentTypes: Record<string, string> = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  xml: 'text/xml; charset=utf-8',
};

function httpDraft(monitor: Monitor, leave: Leave): Draft {
  const { authMethod, body } = monitor;
  const given = headersOf(monitor, leave);
  const isTyped = Object.keys(given).some((name) => name.toLowerCase() === 'content-type');
  const type = contentTypes[monitor.httpBodyEncoding ?? 'json'];
  const isBasic = authMethod === null || authMethod === undefined || authMethod === '' || authMethod === 'basic';
  if (!isBasic) leave('authMethod', `There is no equal of ${authMethod} here`);
  const name = isBasic ? monitor.basic_auth_user : undefined;
  const conditions = conditionsOf(monitor, leave);
  return {
    ...httpTarget({
      url: needed(monitor.url, 'url'),
      method: monitor.method ?? undefined,
      headers: body && type !== undefined && !isTyped ? { ...given, 'content-type': type } : given,
      body: body ?? undefined,
      user: name ? { name, password: monitor.basic_auth_pass ?? '' } : undefined,
      insecure: monitor.ignoreTls ?? undefined,
      redirects: monitor.maxredirects ?? 3,
      status: (monitor.accepted_statuscodes ?? ['200-299']).map((it) => (it.includes('-') ? it : Number(it))),
      read: conditions.length > 0,
    }),
    conditions,
  };
}

function headersOf({ headers }: Monitor, leave: Leave): Record<string, string> {
  if (!headers) return {};
  const read = z.record(z.string(), z.coerce.string()).safeParse(parsed(headers));
  if (!read.success) leave('headers', 'They are no JSON object');
  return read.data ?? {};
}

const jsonOperators: Record<string, 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte' | 'contains'> = {
  '==': 'eq',
  '!=': 'ne',
  '<': 'lt',
  '<=': 'lte',
  '>': 'gt',
  '>=': 'gte',
  contains: 'contains',
};

function conditionsOf(monitor: Monitor, leave: Leave): NonNullable<Draft['conditions']> {
  const { type, keyword, invertKeyword, jsonPath, expectedValue } = monitor;
  if (type === 'keyword')
    return [{ on: 'body', op: invertKeyword ? 'not_contains' : 'contains', value: needed(keyword, 'keyword') }];
  if (type !== 'json-query') return [];
  // Of JSONata, paths alone.
  const path = `body${needed(jsonPath, 'jsonPath')
    .replace(/^\$(?=[.[]|$)/, '')
    .replace(/^(?=[A-Za-z_])/, '.')}`;
  const op = jsonOperators[monitor.jsonPathOperator ?? '=='];
  if (!readPath(path) || op === undefined) {
    leave('jsonPath', `${jsonPath ?? ''}: only paths can be compared here`);
    return [];
  }
  const value = needed(expectedValue, 'expectedValue');
  const number = value.trim() === '' ? NaN : Number(value);
  if (value === 'true' || value === 'false')
    return [{ on: path, op: op === 'ne' ? 'not_in' : 'in', value: [value, value === 'true'] }];
  return [{ on: path, op, value: Number.isFinite(number) && op !== 'contains' ? number : value }];
}
