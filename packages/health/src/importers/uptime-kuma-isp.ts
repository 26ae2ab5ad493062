import { CannotCarry, type Draft, type Leave } from './carried.js';
import { comparisonOf } from './uptime-kuma-condition.js';
import { needed, type KumaMonitor } from './uptime-kuma-monitor.js';

/** An object of an SNMP agent, for the probe `snmp` of `@dotmac/probes-isp`. */
export function snmpDraft(monitor: KumaMonitor, leave: Leave): Draft {
  const { hostname, port, snmpVersion, radiusPassword: community, snmp_v3_username: username } = monitor;
  const version = snmpVersion ?? '2c';
  if (version === '1') throw new CannotCarry('SNMPv1 is not spoken here: let its agent take 2c');
  const isThree = version === '3';
  if (isThree && !username) throw new CannotCarry('The backup does not say as which user it asks');
  const oids = [{ oid: needed(monitor.snmpOid, 'snmpOid'), name: 'value' }];
  return {
    host: needed(hostname, 'hostname'),
    port: port ?? 161,
    serviceType: 'snmp',
    config: isThree
      ? { version, auth: { username }, oids }
      : { ...(community && { community: '${secrets.community}' }), oids },
    secrets: !isThree && community ? { community } : {},
    conditions: monitor.expectedValue ? comparisonOf('values.value', monitor, leave) : [],
  };
}

/** A user that asks to enter, for the probe `radius` of `@dotmac/probes-isp`. */
export function radiusDraft(monitor: KumaMonitor, leave: Leave): Draft {
  const { hostname, port, radiusUsername, radiusPassword, radiusSecret } = monitor;
  for (const field of ['radiusCalledStationId', 'radiusCallingStationId'] as const)
    if (monitor[field]) leave(field, 'There is no equal of it here');
  return {
    host: needed(hostname, 'hostname'),
    port: port ?? 1_812,
    serviceType: 'radius',
    config: {
      secret: '${secrets.secret}',
      auth: { username: needed(radiusUsername, 'radiusUsername'), password: '${secrets.password}' },
    },
    secrets: {
      secret: needed(radiusSecret, 'radiusSecret'),
      password: needed(radiusPassword, 'radiusPassword'),
    },
  };
}
