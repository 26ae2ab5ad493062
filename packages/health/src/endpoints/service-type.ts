/** What a probe needs to find its target: host and port, a host, or neither. */
export type Addressing = 'port' | 'host' | 'none';

/** The service types that come with the package, and how each is addressed. */
export const builtInTypes = {
  tcp: 'port',
  http: 'port',
  https: 'port',
  tls: 'port',
  smtp: 'port',
  ssh: 'port',
  icmp: 'host',
  dns: 'port',
  websocket: 'port',
  grpc: 'port',
  postgres: 'port',
  mysql: 'port',
  redis_server: 'port',
  database: 'none',
  redis: 'none',
  container: 'none',
  heartbeat: 'none',
} as const satisfies Record<string, Addressing>;
