import { coreErrors } from '../errors/core-errors.js';

/** The parts of a database URL. Drivers are given these, never the URL: some obey parameters in it (files, flags). */
export interface ConnectionParts {
  host: string;
  port: number;
  user: string;
  password: string | undefined;
  database: string;
  ssl: TlsMode;
}

/** `true` verifies the server's certificate and name. */
export type TlsMode = boolean | { rejectUnauthorized: false };

/** What `sslmode` means in libpq (PostgreSQL, 32.19.1); modes that may end up without TLS are not among them. */
const tlsModes: Record<string, TlsMode> = {
  disable: false,
  require: { rejectUnauthorized: false },
  'verify-full': true,
};

/**
 * Reads `scheme://user:password@host:port/database`, with `?sslmode=…` if need be.
 * @throws INVALID_ARGUMENT when it is not such a URL, or has other parameters; the URL itself is never repeated
 */
export function parseConnectionUrl(url: string, schemes: readonly string[], defaultPort: number): ConnectionParts {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw refuse(`not a URL of the form ${schemes[0]}://user:password@host:port/database`);
  }
  if (!schemes.includes(parsed.protocol.slice(0, -1))) throw refuse(`the scheme must be ${schemes.join(' or ')}`);
  const { sslmode = 'disable', ...others } = Object.fromEntries(parsed.searchParams);
  const ssl = Object.hasOwn(tlsModes, sslmode) ? tlsModes[sslmode] : undefined;
  if (ssl === undefined || Object.keys(others).length > 0 || parsed.hash !== '')
    throw refuse(
      `of all parameters only sslmode is understood (${Object.keys(tlsModes).join(', ')}); give others as options, or pass a pool of your own`,
    );
  const database = decode(parsed.pathname.slice(1));
  if (parsed.hostname === '' || database === '' || database.includes('/'))
    throw refuse('it must name a host and a database');
  return {
    host: decode(parsed.hostname.replace(/^\[|\]$/g, '')),
    port: parsed.port === '' ? defaultPort : Number(parsed.port),
    user: decode(parsed.username),
    password: parsed.password === '' ? undefined : decode(parsed.password),
    database,
    ssl,
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw refuse('a percent sign in it is not an escape');
  }
}

/** INVALID_ARGUMENT for a database URL. */
export function refuse(reason: string): Error {
  return coreErrors.INVALID_ARGUMENT({ argument: 'database URL', reason });
}
