import { z } from 'zod';
import { CannotCarry } from './carried.js';

const text = z.string().nullish();
const count = z.coerce.number().nullish();
const flag = z.coerce.boolean().nullish();

/** What is looked at of a monitor of Uptime Kuma, versions 1 and 2 (`server/model/monitor.js`, `toJSON`). */
export const kumaMonitor = z.looseObject({
  id: z.number().optional(),
  name: z.string(),
  type: z.string(),
  active: flag,
  /** A group over it is paused. */
  forceInactive: flag,
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
  bearer_token: text,
  tlsCa: text,
  tlsCert: text,
  tlsKey: text,
  ignoreTls: flag,
  maxredirects: count,
  accepted_statuscodes: z.array(z.string()).nullish(),
  keyword: text,
  invertKeyword: flag,
  jsonPath: text,
  jsonPathOperator: text,
  expectedValue: text,
  /** Conditions of version 2. */
  conditions: z.array(z.unknown()).nullish(),
  upsideDown: flag,
  interval: count,
  retryInterval: count,
  maxretries: count,
  timeout: count,
  packetSize: count,
  ping_count: count,
  dns_resolve_type: text,
  dns_resolve_server: text,
  smtpSecurity: text,
  expectedTlsAlert: text,
  wsSubprotocol: text,
  databaseConnectionString: text,
  databaseQuery: text,
  radiusUsername: text,
  /** SNMP's community, and MySQL's password, too. */
  radiusPassword: text,
  radiusSecret: text,
  radiusCalledStationId: text,
  radiusCallingStationId: text,
  snmpOid: text,
  snmpVersion: text,
  snmp_v3_username: text,
  rabbitmqNodes: z.array(z.string()).nullish(),
  rabbitmqUsername: text,
  rabbitmqPassword: text,
  proxyId: z.number().nullish(),
  expiryNotification: flag,
  domainExpiryNotification: flag,
  tags: z.array(z.looseObject({ name: z.string(), value: text })).nullish(),
});

/** @see kumaMonitor */
export type KumaMonitor = z.output<typeof kumaMonitor>;

/** What an endpoint cannot do without. @throws CannotCarry */
export function needed<Value>(value: Value | null | undefined, field: string): Value {
  if (value === null || value === undefined || value === '') throw new CannotCarry(`It has no ${field}`);
  return value;
}
