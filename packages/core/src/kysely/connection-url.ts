import { coreErrors } from '../errors/core-errors.js';

/** The parts of a database URL. Drivers are given these, never the URL: some obey parameters in it (files, flags). */
export interface ConnectionParts {
  host: string;
  port: number;
  user: string;
  password: string | undefined;
  database: string;
}

/**
 * Reads `scheme://user:password@host:port/database`.
 * @throws INVALID_ARGUMENT when it is not such a URL, or has parameters; the URL itself is never repeated
 */
export function parseConnectionUrl(url: string, schemes: readonly string[], defaultPort: number): ConnectionParts {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw refuse(`not a URL of the form ${schemes[0]}://user:password@host:port/database`);
  }
  if (!schemes.includes(parsed.protocol.slice(0, -1))) throw refuse(`the scheme must be ${schemes.join(' or ')}`);
  if (parsed.search !== '' || parsed.hash !== '')
    throw refuse('parameters are not understood; give TLS and limits as options, or pass a pool of your own');
  const database = decode(parsed.pathname.slice(1));
  if (parsed.hostname === '' || database === '' || database.includes('/'))
    throw refuse('it must name a host and a database');
  return {
    host: decode(parsed.hostname.replace(/^\[|\]$/g, '')),
    port: parsed.port === '' ? defaultPort : Number(parsed.port),
    user: decode(parsed.username),
    password: parsed.password === '' ? undefined : decode(parsed.password),
    database,
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
