import { coreErrors } from '@dotmac/core';
import type { Addressing, builtInTypes } from '../endpoints/service-type.js';
import type { ServiceTarget } from '../service-checks/target.js';
import { mysqlProbe, postgresProbe, redisServerProbe } from './database-server.js';
import { dnsProbe } from './dns.js';
import { grpcProbe } from './grpc.js';
import { heartbeatProbe } from './heartbeat.js';
import { httpProbe } from './http.js';
import { icmpProbe } from './icmp.js';
import type { AnyProbe } from './probe.js';
import { smtpProbe } from './smtp.js';
import { sshProbe } from './ssh.js';
import { targetProbe } from './target.js';
import { tcpProbe } from './tcp.js';
import { tlsProbe } from './tls.js';
import { websocketProbe } from './websocket.js';

const builtIn = (
  targets: Readonly<Record<string, ServiceTarget>>,
  heartbeat: AnyProbe,
): Record<keyof typeof builtInTypes, AnyProbe> => ({
  heartbeat,
  ...targetProbe(targets),
  dns: dnsProbe,
  tcp: tcpProbe,
  http: httpProbe(false),
  https: httpProbe(true),
  tls: tlsProbe,
  smtp: smtpProbe,
  ssh: sshProbe,
  icmp: icmpProbe,
  websocket: websocketProbe,
  grpc: grpcProbe,
  postgres: postgresProbe,
  mysql: mysqlProbe,
  redis_server: redisServerProbe,
});

/** The probes of a health module, by service type. */
export type ProbeRegistry = ReadonlyMap<string, AnyProbe>;

/**
 * The built-in probes, those of the services that the host named, and the host's own.
 * @throws INVALID_ARGUMENT when a name is taken or is none
 */
export function probeRegistry(
  own: readonly AnyProbe[] = [],
  targets: Readonly<Record<string, ServiceTarget>> = {},
  heartbeat: AnyProbe = heartbeatProbe(),
): ProbeRegistry {
  const probes = new Map(Object.entries(builtIn(targets, heartbeat)));
  for (const probe of own) {
    const refuse = (reason: string) => coreErrors.INVALID_ARGUMENT({ argument: `probe ${probe.serviceType}`, reason });
    if (!/^[a-z][a-z0-9_]{0,39}$/.test(probe.serviceType)) throw refuse('a name is lower case, digits and "_"');
    if (probes.has(probe.serviceType)) throw refuse('there is one of this name already');
    probes.set(probe.serviceType, probe);
  }
  return probes;
}

/** How each probe is addressed. */
export function addressingsOf(probes: ProbeRegistry): Record<string, Addressing> {
  return Object.fromEntries([...probes].map(([serviceType, { addressing }]) => [serviceType, addressing]));
}
