import type { Packets } from './packets.js';

/** Services that a check on demand can name by a connection string. */
export const services = ['postgres-url', 'mysql-url', 'redis-url'] as const;

/** Every way in which something of a tenant's makes this process connect. */
export const protocols = [
  ...(['tcp', 'http', 'tls', 'websocket', 'grpc', 'smtp', 'ssh', 'dns', 'icmp', 'webhook'] as const),
  ...(['postgres', 'mysql', 'redis_server', 'snmp', 'radius'] as const),
  ...services,
] as const;

/** @see protocols */
export type Protocol = (typeof protocols)[number];

/** What a run over many cases came to. */
export interface Run {
  cases: number;
  /** Those that the guard refused; the others were no host, no URL, or a name that there is not. */
  denied: number;
  /** What left meanwhile, own servers left out. */
  packets: Packets;
  /** Cases that ended otherwise than by a refusal of ours. */
  passed: string[];
}

/** A name that is public at first. */
export interface Rebinding {
  first: Packets;
  then: Run;
}

/** What the worker found out. */
export interface EgressReport {
  /** What left when nothing guarded it. */
  unguarded: Packets;
  hosts: Record<Protocol, Run>;
  names: Record<Protocol, Run>;
  rebinding: Record<Protocol, Rebinding>;
  /** Of http, which follows redirects, and of webhooks, which do not. */
  redirects: Record<'http' | 'webhook', Run>;
  /** Names that change with every question, asked for at once and again and again. */
  races: Run;
  /** Through the module as a host mounts it. */
  mounted: Run;
  /** Of containers, by ids that are hosts. */
  containers: Run;
  /** What left for the edges, by their addresses, by names and by redirects. */
  edges: Record<Protocol, Packets>;
  edgesByName: Record<Protocol, Packets>;
  edgesByRedirect: Packets;
  spellings: Record<string, Packets>;
}
