/** `@dotmac/probes-isp`: probes that internet service providers need, for `createHealth({ probes })`. */
export { radiusProbe } from './radius/probe.js';
export type { RadiusSettings } from './radius/settings.js';
export { snmpProbe } from './snmp/probe.js';
export type { SnmpSettings } from './snmp/settings.js';
