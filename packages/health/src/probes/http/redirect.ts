import { canonicalHost } from '@dotmac/core/net';
import { WrongAnswer } from '../probe.js';

/** Where a request goes and what it is. */
export interface Hop {
  secure: boolean;
  host: string;
  port: number;
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string | undefined;
  /** Whether a redirect has led to another origin. */
  away: boolean;
}

const redirects = new Set([301, 302, 303, 307, 308]);
const defaultPort = (secure: boolean): number => (secure ? 443 : 80);

/** `host:port`, without the port that goes without saying; IPv6 in brackets (RFC 9110, 7.2). */
export function authorityOf({ secure, host, port }: Pick<Hop, 'secure' | 'host' | 'port'>): string {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return port === defaultPort(secure) ? name : `${name}:${port}`;
}

/**
 * Where a redirect leads (RFC 9110, 15.4); undefined when the answer is none. Another origin gets none of the headers
 * that were given, nor a body; 303, and 301 and 302 after a POST, become GET and say nothing of a body any more.
 * @throws WrongAnswer for an address that is none, or leads from https to http, or out of http altogether
 */
export function follow(hop: Hop, status: number, location: string | undefined): Hop | undefined {
  if (!redirects.has(status) || location === undefined) return undefined;
  const from = `${hop.secure ? 'https' : 'http'}://${authorityOf(hop)}${hop.path}`;
  if (!URL.canParse(location, from)) throw new WrongAnswer('The redirect leads nowhere', { code: 'redirect_refused' });
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && to.protocol !== 'http:')
    throw new WrongAnswer('The redirect leads out of HTTP', { code: 'redirect_refused' });
  if (to.port === '0' || !isHost(to.hostname))
    throw new WrongAnswer('The redirect leads nowhere', { code: 'redirect_refused' });
  const secure = to.protocol === 'https:';
  if (hop.secure && !secure)
    throw new WrongAnswer('The redirect leads from https to http', { code: 'redirect_refused' });
  const next = { secure, host: to.hostname, port: Number(to.port) || defaultPort(secure) };
  const isSame = authorityOf(next).toLowerCase() === authorityOf(hop).toLowerCase() && secure === hop.secure;
  const becomesGet = hop.method !== 'HEAD' && (status === 303 || (status < 303 && hop.method === 'POST'));
  const kept = isSame ? Object.entries(hop.headers) : [];
  return {
    ...next,
    method: becomesGet ? 'GET' : hop.method,
    path: `${to.pathname}${to.search}`,
    headers: Object.fromEntries(kept.filter(([name]) => !becomesGet || !/^content-/i.test(name))),
    body: becomesGet || !isSame ? undefined : hop.body,
    away: hop.away || !isSame,
  };
}

/** A URL can hold names that DNS cannot. */
function isHost(text: string): boolean {
  try {
    canonicalHost(text);
    return true;
  } catch {
    return false;
  }
}
