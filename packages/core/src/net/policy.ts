import { coreErrors } from '../errors/core-errors.js';
import { blockListOf, parseCidr, plainAddress, type AddressClass } from './address-classes.js';
import { canonicalHost } from './canonical-host.js';

/**
 * Which targets a rule speaks of: a class of addresses, a CIDR or single address, or an object whose parts must all
 * hold. `cidr` takes a class word too (`{ cidr: 'public', ports: [443] }`); `host` is one exact name, and speaks of
 * whatever addresses that name resolves to; without `ports`, every port.
 */
export type EgressRule = string | { cidr?: string; host?: string; ports?: readonly number[] };

/**
 * Where dotmac may connect to; given in code by the host application, never through the API. Denials are looked at
 * first, then `allow`; what no rule allows is denied. Cloud metadata services, link-local, multicast and the IPv6 forms
 * that hide an IPv4 address stay closed whatever the rules say.
 */
export interface EgressPolicy {
  /** `'public'`, `'private'`, `'loopback'`, a CIDR, or an object of parts. */
  allow: readonly EgressRule[];
  /** Looked at first. Default nothing. */
  deny?: readonly EgressRule[];
}

/** The internet and nothing else: the default for every target that tenants name. */
export const publicOnly: EgressPolicy = { allow: ['public'] };

/** What a rule is matched against. `host` is the name that was resolved, if there was one. */
export interface EgressTarget {
  address: string;
  family: 4 | 6;
  class: AddressClass;
  port: number;
  host?: string | undefined;
}

/** One rule, ready to be asked. */
export type RuleMatch = (target: EgressTarget) => boolean;

const classWords: ReadonlySet<string> = new Set<AddressClass>(['public', 'private', 'loopback']);

/**
 * Checks a rule and makes a fast test of it.
 * @throws INVALID_ARGUMENT for what is no CIDR, host or port, and for an allow rule that names no target
 */
export function compileRule(rule: EgressRule, list: 'allow' | 'deny'): RuleMatch {
  const { cidr, host, ports } = typeof rule === 'string' ? { cidr: rule } : rule;
  const parts: RuleMatch[] = [];
  if (cidr !== undefined) parts.push(matchAddress(cidr, list));
  if (host !== undefined) parts.push(matchHost(host));
  if (parts.length === 0 && list === 'allow') throw refuse(list, 'a rule needs a cidr or a host');
  if (ports !== undefined) parts.push(matchPort(ports, list));
  if (parts.length === 0) throw refuse(list, 'a rule needs a cidr, a host or ports');
  return (target) => parts.every((matches) => matches(target));
}

function matchAddress(cidr: string, list: string): RuleMatch {
  if (classWords.has(cidr)) return (target) => target.class === cidr;
  const parsed = parseCidr(cidr);
  if (!parsed) throw refuse(list, 'a rule must be public, private, loopback or a CIDR such as 10.0.0.0/8');
  if (parsed.family === 6 && plainAddress(parsed.address)?.family === 4)
    throw refuse(list, 'write an IPv4-mapped range as the IPv4 range that it is');
  const { family } = parsed;
  const range = blockListOf([cidr], family);
  return (target) => target.family === family && range.check(target.address, family === 4 ? 'ipv4' : 'ipv6');
}

function matchHost(host: string): RuleMatch {
  const wanted = canonicalHost(host);
  if (wanted.kind === 'name') return (target) => target.host === wanted.name;
  const address = plainAddress(wanted.address)?.address;
  return (target) => target.address === address;
}

function matchPort(ports: readonly number[], list: string): RuleMatch {
  if (ports.length === 0 || !ports.every(isPort)) throw refuse(list, 'ports must be whole numbers from 1 to 65535');
  const wanted = new Set(ports);
  return (target) => wanted.has(target.port);
}

/** Whether a number can be a TCP port: 1 to 65535. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function refuse(list: string, reason: string): Error {
  return coreErrors.INVALID_ARGUMENT({ argument: `policy.${list}`, reason });
}
