import { coreErrors } from '@dotmac/core';
import { inWords } from '@dotmac/core/contract';
import { z } from 'zod';
import {
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
import { databaseServer } from './database-server.js';
import { webSocketTarget } from './http-request.js';
import { pushedTarget } from './pushed.js';
import { recordsOf } from './uptime-kuma-condition.js';
import { radiusDraft, snmpDraft } from './uptime-kuma-isp.js';
import { kumaMonitor, needed, type KumaMonitor } from './uptime-kuma-monitor.js';
import { atMost, leaveRest } from './uptime-kuma-rest.js';
import { parsed, rabbitmqDraft, requestDraft } from './uptime-kuma-request.js';

const backup = z.looseObject({ monitorList: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]) });

/** Why a type has no equal. */
const without: Record<string, string> = {
  group: 'A group is a tag of its members here',
  docker: 'Containers are checked by a target that the host application names in code',
  sqlserver: 'There is no probe for SQL Server',
  mongodb: 'There is no probe for MongoDB',
  'grpc-keyword': 'gRPC is asked for its health here (grpc.health.v1), and not for a method of its own',
};

/**
 * The monitors of an Uptime Kuma backup (https://github.com/louislam/uptime-kuma), as drafts of ours.
 * @param given the backup that version 1 writes, as text or parsed; the monitor list of version 2 has the same fields
 * @throws INVALID_ARGUMENT when it is no backup of Uptime Kuma
 */
export function fromUptimeKuma(given: unknown, options: CarryOptions = {}): Carried {
  return listed(eachOfUptimeKuma(given, rulesOf(options)));
}

/** {@link fromUptimeKuma}, one after another. */
export function* eachOfUptimeKuma(given: unknown, rules: CarryRules): Generator<CarriedOne> {
  const read = backup.safeParse(typeof given === 'string' ? parsed(given) : given);
  if (!read.success) throw coreErrors.INVALID_ARGUMENT({ argument: 'backup', reason: 'there is no monitorList in it' });
  const monitors = Object.entries(read.data.monitorList).map(([key, it]) => ({
    place: placeOf(it, 'monitorList', key),
    read: kumaMonitor.safeParse(it, inWords),
  }));
  const groups = new Map(
    monitors.flatMap(({ read: { data } }) => (data?.type === 'group' ? [[data.id, data.name] as const] : [])),
  );
  for (const { place, read } of monitors) {
    if (!read.success) yield leftWhole(place, z.prettifyError(read.error));
    else
      yield carry(place, rules, (leave) => {
        const { type, parent } = read.data;
        if (isOfProviders(type) && !rules.probes.has(type))
          throw new CannotCarry(`Give ${type}Probe() of @dotmac/probes-isp as one of \`probes\``);
        return draftOf(read.data, groups.get(parent ?? undefined), leave);
      });
  }
}

const isOfProviders = (type: string): boolean => type === 'snmp' || type === 'radius';

function draftOf(monitor: KumaMonitor, group: string | undefined, leave: Leave): Draft {
  const { interval, retryInterval, maxretries, timeout } = monitor;
  const target = targetOf(monitor, leave);
  if (monitor.upsideDown) throw new CannotCarry('Nothing here wants a failure (upsideDown)');
  if (monitor.domainExpiryNotification) leave('domainExpiryNotification', 'Nobody asks here when a domain expires');
  if (monitor.conditions?.length && monitor.type !== 'dns') leave('conditions', 'There is no equal of them here');
  leaveRest(monitor, leave);
  if (monitor.proxyId) leave('proxyId', 'Checks here go through no proxy');
  if (monitor.expiryNotification)
    leave('expiryNotification', 'Set config.tls.days for a warning before the certificate expires');
  const tags = [group, ...(monitor.tags ?? []).map(({ name, value }) => (value ? `${name}:${value}` : name))]
    .flatMap((it) => (it === undefined ? [] : [tagOf(it)]))
    .filter((it) => it !== undefined);
  const paused = monitor.active === false || monitor.forceInactive === true;
  const tagged = { ...(tags.length > 0 && { tags: tags.slice(0, 20) }), ...(paused && { paused }) };
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

function targetOf(monitor: KumaMonitor, leave: Leave): Draft {
  const { type, hostname, port } = monitor;
  switch (type) {
    case 'http':
    case 'keyword':
    case 'json-query':
      return requestDraft(monitor, leave);
    case 'rabbitmq':
      return rabbitmqDraft(monitor, leave);
    case 'snmp':
      return snmpDraft(monitor, leave);
    case 'radius':
      return radiusDraft(monitor, leave);
    case 'push':
      return pushedTarget(monitor.interval ?? 60, (monitor.maxretries ?? 0) * (monitor.retryInterval ?? 60), leave);
    case 'port':
      return portDraft(monitor);
    case 'ping': {
      const { packetSize: size, ping_count: count } = monitor;
      const config = {
        ...(size && { size: atMost(1_400, size, 'packetSize', leave) }),
        ...(count && { count: atMost(5, count, 'ping_count', leave) }),
      };
      return { host: needed(hostname, 'hostname'), serviceType: 'icmp', config };
    }
    case 'dns': {
      const [server = '', ...others] = needed(monitor.dns_resolve_server, 'dns_resolve_server').split(/[\s,]+/);
      if (others.length > 0) leave('dns_resolve_server', `Only ${server} is asked`);
      const expect = recordsOf(monitor, leave);
      const asked = { name: needed(hostname, 'hostname'), type: monitor.dns_resolve_type ?? 'A' };
      const config = { ...asked, ...(expect.length > 0 && { expect }) };
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
      return databaseServer(
        needed(monitor.databaseConnectionString, 'databaseConnectionString'),
        // Version 2 keeps that of MySQL apart.
        (type === 'mysql' && monitor.radiusPassword) || undefined,
      );
    case 'websocket-upgrade': {
      const protocol = monitor.wsSubprotocol;
      const there = { url: needed(monitor.url, 'url'), insecure: monitor.ignoreTls ?? undefined };
      return webSocketTarget(there, protocol ? { subprotocol: protocol } : {});
    }
    default:
      throw new CannotCarry(without[type] ?? `There is no probe for ${type}`);
  }
}

/** A port, over TLS where its certificate is watched there too. */
function portDraft({ hostname, port, smtpSecurity, expiryNotification, expectedTlsAlert }: KumaMonitor): Draft {
  if (expectedTlsAlert && expectedTlsAlert !== 'none')
    throw new CannotCarry('Nothing here wants a failure (expectedTlsAlert)');
  const target = { host: needed(hostname, 'hostname'), port: needed(port, 'port') };
  if (!expiryNotification || (smtpSecurity !== 'secure' && smtpSecurity !== 'starttls'))
    return { ...target, serviceType: 'tcp' };
  return {
    ...target,
    serviceType: 'tls',
    config: smtpSecurity === 'secure' ? {} : { starttls: startTlsAt(target.port) },
  };
}

/** Uptime Kuma finds out by what it hears; ports say as much. */
function startTlsAt(port: number): 'imap' | 'pop3' | 'ftp' | 'ldap' | 'smtp' {
  return ({ 143: 'imap', 110: 'pop3', 21: 'ftp', 389: 'ldap' } as const)[port] ?? 'smtp';
}
