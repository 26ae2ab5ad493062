import { createHash, timingSafeEqual } from 'node:crypto';
import type { Permission } from '../contract/permission.js';
import { coreErrors } from '../errors/core-errors.js';
import { header, type HttpRequest } from './exchange.js';

/** Who is asking, as the host application established it. */
export interface Principal {
  tenantId: string;
  /** Kept with every event, e.g. `user:42` or `key:billing`. */
  actorId: string;
  /** `*` grants all. */
  permissions: readonly (Permission | '*')[];
}

/**
 * The host's own authentication. Null refuses with 401. It may read headers (a session cookie, a token) but not the
 * body. A throw is answered as an opaque 500 unless it is an OperationError.
 */
export type Authenticate = (request: HttpRequest) => Principal | null | Promise<Principal | null>;

/** The token of `Authorization: Bearer <token>` (RFC 6750), or null. */
export function bearerToken(request: HttpRequest): string | null {
  const match = /^Bearer ([\x21-\x7e]{1,8192})$/i.exec(header(request, 'authorization') ?? '');
  return match?.[1] ?? null;
}

/** An API key as it is kept: never the key itself. */
export interface ApiKeyRecord extends Principal {
  /** From {@link hashApiKey}. */
  hash: string;
}

/**
 * The form in which an API key is stored: SHA-256, hex. A plain hash is enough for keys of at least 128 random bits
 * (OWASP ASVS 5, 6.5.2: 112 bits); do not use it for passwords.
 */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/**
 * Authenticates `Authorization: Bearer <api key>`.
 * @param keys the records, or a function that finds one by its hash in the host's own table
 * @throws INVALID_ARGUMENT for a record whose hash is not one of {@link hashApiKey}
 */
export function apiKeyAuthenticator(
  keys: readonly ApiKeyRecord[] | ((hash: string) => ApiKeyRecord | null | Promise<ApiKeyRecord | null>),
): Authenticate {
  const find = typeof keys === 'function' ? keys : findAmong(keys);
  return async (request) => {
    const key = bearerToken(request);
    if (key === null) return null;
    const hash = hashApiKey(key);
    const record = await find(hash);
    if (!record || !timingSafeEqual(Buffer.from(record.hash), Buffer.from(hash))) return null;
    return record;
  };
}

function findAmong(keys: readonly ApiKeyRecord[]): (hash: string) => ApiKeyRecord | null {
  for (const { hash } of keys)
    if (!/^[0-9a-f]{64}$/.test(hash))
      throw coreErrors.INVALID_ARGUMENT({ argument: 'keys', reason: 'every hash is made by hashApiKey(key)' });
  // Looking up by a SHA-256 digest tells an attacker's clock nothing about any other key.
  const byHash = new Map(keys.map((record) => [record.hash, record]));
  return (hash) => byHash.get(hash) ?? null;
}

/** Whether the principal may do what asks for `permission`. */
export function isPermitted(principal: Principal, permission: Permission): boolean {
  return principal.permissions.includes('*') || principal.permissions.includes(permission);
}
