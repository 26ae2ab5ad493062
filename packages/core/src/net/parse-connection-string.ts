import { coreErrors } from '../errors/core-errors.js';
import { canonicalHost } from './canonical-host.js';
import { isPort } from './policy.js';

/** What a connection string says, in fixed fields. Drivers are given these, never the string. */
export interface ConnectionTarget {
  protocol: 'postgres' | 'mysql' | 'redis';
  /** An address without brackets, or a lower-case name. */
  host: string;
  port: number;
  user?: string;
  password?: string;
  /** For Redis, its number. */
  database?: string;
  /** Whether TLS is wanted; `verify` is false for `sslmode=require`, which encrypts without asking who it is. */
  tls: boolean;
  verify: boolean;
}

type Scheme = { protocol: ConnectionTarget['protocol']; port: number; tls: boolean };

const schemes: Readonly<Record<string, Scheme>> = {
  postgres: { protocol: 'postgres', port: 5432, tls: false },
  postgresql: { protocol: 'postgres', port: 5432, tls: false },
  mysql: { protocol: 'mysql', port: 3306, tls: false },
  mariadb: { protocol: 'mysql', port: 3306, tls: false },
  redis: { protocol: 'redis', port: 6379, tls: false },
  rediss: { protocol: 'redis', port: 6379, tls: true },
};

const sslModes: Readonly<Record<string, { tls: boolean; verify: boolean }>> = {
  disable: { tls: false, verify: true },
  require: { tls: true, verify: false },
  'verify-full': { tls: true, verify: true },
};

const shape =
  /^([a-z]+):\/\/(?:([^/?#@]*)@)?(\[[^\]/?#@]*\]|[^:/?#@[\]]*)(?::([^/?#@]*))?(?:\/([^?#]*))?(?:\?([^#]*))?$/;

/**
 * Reads `scheme://user:password@host:port/database?sslmode=verify-full` for postgres, postgresql, mysql, mariadb, redis
 * and rediss. Drivers take other hosts, unix sockets, files and server options from the parameters of such strings, so
 * every parameter but `sslmode` (`disable`, `require` or `verify-full`) is refused, and so is `sslmode` against the
 * scheme. TLS verifies unless `sslmode=require`.
 * @throws INVALID_ARGUMENT, which never repeats any part of the string
 */
export function parseConnectionString(text: string): ConnectionTarget {
  if (text.length > 4_096) throw refuse('it is longer than 4096 characters');
  if (/[\p{Cc}\s\\]/u.test(text)) throw refuse('it holds a space, a backslash or a control character');
  const match = shape.exec(text);
  const scheme = match && Object.hasOwn(schemes, match[1] ?? '') ? schemes[match[1] ?? ''] : undefined;
  if (!match || !scheme)
    throw refuse('it must be postgres, mysql, mariadb, redis or rediss://user:password@host:port/name');
  const [, , credentials, hostText = '', portText, path = '', query] = match;
  const target: ConnectionTarget = {
    protocol: scheme.protocol,
    host: readHost(hostText),
    port: portText === undefined ? scheme.port : readPort(portText),
    ...readSslMode(query, scheme),
  };
  const colon = credentials?.indexOf(':') ?? -1;
  const user = decode(colon < 0 ? (credentials ?? '') : (credentials ?? '').slice(0, colon));
  const password = colon < 0 ? '' : decode((credentials ?? '').slice(colon + 1));
  const database = decode(path);
  if (database.includes('/')) throw refuse('the database must be one name');
  if (scheme.protocol === 'redis' && !/^\d{0,5}$/.test(database)) throw refuse('the database of Redis is a number');
  if (user !== '') target.user = user;
  if (password !== '') target.password = password;
  if (database !== '') target.database = database;
  return target;
}

function readHost(text: string): string {
  if (text === '') throw refuse('the host is empty');
  if (text.includes(',')) throw refuse('only one host is understood');
  try {
    const host = canonicalHost(text);
    return host.kind === 'address' ? host.address : host.name;
  } catch {
    throw refuse('the host is not an address and not a name');
  }
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (!isPort(port)) throw refuse('the port must be a whole number from 1 to 65535');
  return port;
}

function readSslMode(query: string | undefined, scheme: Scheme): { tls: boolean; verify: boolean } {
  if (query === undefined || query === '') return { tls: scheme.tls, verify: true };
  const mode = /^sslmode=([a-z-]+)$/.exec(query)?.[1] ?? '';
  const found = Object.hasOwn(sslModes, mode) ? sslModes[mode] : undefined;
  if (!found) throw refuse('the only parameter is sslmode, once, as disable, require or verify-full');
  if (scheme.tls && !found.tls) throw refuse('its scheme asks for TLS and its sslmode for none');
  return found;
}

function decode(part: string): string {
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    throw refuse('a percent sign in it is not an escape');
  }
  if (/\p{Cc}/u.test(text)) throw refuse('it holds a control character');
  return text;
}

function refuse(reason: string): Error {
  return coreErrors.INVALID_ARGUMENT({ argument: 'connection string', reason });
}
