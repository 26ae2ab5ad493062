import { secretHeaders } from '../probes/http/settings.js';
import { CannotCarry, type Draft } from './carried.js';

/** A request as other products describe it. */
export interface HttpRequestThere {
  url: string;
  method?: string | undefined;
  headers?: Record<string, string> | undefined;
  body?: string | undefined;
  user?: { name: string; password: string } | undefined;
  /** Of `Bearer`. */
  token?: string | undefined;
  /** A certificate of ours with its key, and the authorities to trust, PEM. */
  certificate?: { cert: string; key: string; ca?: string } | undefined;
  /** Do not verify certificates. */
  insecure?: boolean | undefined;
  redirects?: number | undefined;
  /** As `config.status` has it. */
  status?: (number | string)[] | undefined;
  read?: boolean | undefined;
}

type Target = Pick<Draft, 'host' | 'port' | 'serviceType' | 'config' | 'secrets'>;

/** An address as a URL. @throws CannotCarry, without a word of it: it may hold a login */
function urlOf(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new CannotCarry('Its address is no URL');
  }
}

/** A part of a URL; as it is written, where its escapes are none. */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** Headers with those that carry credentials as secrets. */
function secretly(headers: Record<string, string>): {
  headers: Record<string, string>;
  secrets: Record<string, string>;
} {
  const secrets: Record<string, string> = {};
  const shown = Object.entries(headers).map(([name, value]) => {
    const lower = name.toLowerCase();
    if (!secretHeaders.some((it) => it === lower)) return [name, value];
    secrets[lower] = value;
    return [lower, `\${secrets.${lower}}`];
  });
  return { headers: Object.fromEntries(shown) as Record<string, string>, secrets };
}

/** A request as an endpoint; what is secret goes into its secrets. */
export function httpTarget(there: HttpRequestThere): Target {
  const url = urlOf(there.url);
  const secure = url.protocol === 'https:';
  if (!secure && url.protocol !== 'http:') throw new CannotCarry(`${url.protocol} is neither http nor https`);
  const { headers, secrets } = secretly(there.headers ?? {});
  const inUrl = { name: unescaped(url.username), password: unescaped(url.password) };
  const user = there.user ?? (inUrl.name === '' ? undefined : inUrl);
  if (user) secrets.password = user.password;
  if (there.token !== undefined) secrets.token = there.token;
  const { key, ...shown } = (secure && there.certificate) || {};
  if (key !== undefined) secrets.key = key;
  const tls = {
    ...(there.insecure === true && { verify: false }),
    ...shown,
    ...(key !== undefined && { key: '${secrets.key}' }),
  };
  return {
    host: hostOf(url),
    port: Number(url.port) || (secure ? 443 : 80),
    serviceType: secure ? 'https' : 'http',
    config: {
      path: url.pathname + url.search,
      ...(there.method !== undefined && { method: there.method.toUpperCase() }),
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(there.body !== undefined && there.body !== '' && { body: there.body }),
      ...(user && { auth: { username: user.name, password: '${secrets.password}' } }),
      ...(there.token !== undefined && { auth: { token: '${secrets.token}' } }),
      ...(there.status && { status: there.status }),
      ...(there.redirects !== undefined && { redirects: Math.min(3, there.redirects) }),
      ...(there.read === true && { read: true }),
      ...(secure && Object.keys(tls).length > 0 && { tls }),
    },
    secrets,
  };
}

/** A WebSocket as an endpoint. */
export function webSocketTarget(there: Pick<HttpRequestThere, 'url' | 'headers' | 'insecure'>, more: object): Target {
  const url = urlOf(there.url);
  const secure = url.protocol === 'wss:';
  const { headers, secrets } = secretly(there.headers ?? {});
  return {
    host: hostOf(url),
    port: Number(url.port) || (secure ? 443 : 80),
    serviceType: 'websocket',
    config: {
      path: url.pathname + url.search,
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(secure && { secure }),
      ...(secure && there.insecure === true && { tls: { verify: false } }),
      ...more,
    },
    secrets,
  };
}

/** The statuses that all tests allow, as `config.status` has them; undefined when there are none or too many pieces. */
export function allowedStatuses(tests: readonly ((status: number) => boolean)[]): (number | string)[] | undefined {
  const ranges: [number, number][] = [];
  for (let status = 100; status <= 599; status++) {
    if (!tests.every((allows) => allows(status))) continue;
    const last = ranges.at(-1);
    if (last?.[1] === status - 1) last[1] = status;
    else ranges.push([status, status]);
  }
  if (ranges.length === 0 || ranges.length > 20) return undefined;
  return ranges.map(([from, until]) => (from === until ? from : `${from}-${until}`));
}
