import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type CryptoKey,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose';
import { coreErrors } from '../errors/core-errors.js';
import { permissions, type Permission } from '../contract/permission.js';
import { bearerToken, type Authenticate, type Principal } from './authenticate.js';

/** How tokens are checked. Issuer and audience are required: a token made for another service must not work here. */
export interface JwtOptions {
  /** What `iss` must be. */
  issuer: string;
  /** What `aud` must be or contain. */
  audience: string;
  /** The issuer's key set: where it is published (cached and refetched on unknown keys), or the set itself. */
  jwks: URL | JSONWebKeySet;
  /** Default RS256, PS256, ES256, EdDSA; never `none` or shared secrets. */
  algorithms?: string[];
  /** Allowed difference of clocks, in seconds. Default 5. */
  clockToleranceSeconds?: number;
  /**
   * What the claims mean. Default: `tenant_id`, `sub`, and the permissions known to dotmac in `permissions` (a list)
   * or `scope` (RFC 8693, separated by spaces). Null refuses.
   */
  principal?: (claims: JWTPayload) => Principal | null;
}

/** Authenticates `Authorization: Bearer <JWT>` (RFC 7519) by the issuer's public keys. */
export function jwtAuthenticator(options: JwtOptions): Authenticate {
  const { issuer, audience, jwks, principal = standardClaims, clockToleranceSeconds = 5 } = options;
  const algorithms = options.algorithms ?? ['RS256', 'PS256', 'ES256', 'EdDSA'];
  const keys = jwks instanceof URL ? createRemoteJWKSet(jwks) : createLocalJWKSet(jwks);
  return async (request) => {
    const token = bearerToken(request);
    if (token === null) return null;
    const checks = { issuer, audience, algorithms, clockTolerance: clockToleranceSeconds, requiredClaims: ['exp'] };
    const claims = await verified(token, keys, checks);
    return claims && principal(claims);
  };
}

/** A key set that cannot be had is the issuer's trouble; everything else that jose throws says the token is not good. */
const issuerTrouble = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']);

async function verified(token: string, keys: JWTVerifyGetKey, checks: JWTVerifyOptions): Promise<JWTPayload | null> {
  try {
    return (await jwtVerify(token, keys, checks)).payload;
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return anyOf(token, error, checks);
    if (error instanceof errors.JOSEError && !issuerTrouble.has(error.code)) return null;
    throw coreErrors.ISSUER_UNAVAILABLE({}, { cause: error });
  }
}

/** A token that does not name its key may be of any that fit. */
async function anyOf(
  token: string,
  candidates: AsyncIterable<CryptoKey>,
  checks: JWTVerifyOptions,
): Promise<JWTPayload | null> {
  for await (const key of candidates) {
    const claims = await jwtVerify(token, key, checks).then(
      ({ payload }) => payload,
      () => null,
    );
    if (claims) return claims;
  }
  return null;
}

function standardClaims(claims: JWTPayload): Principal | null {
  const { sub, tenant_id: tenantId, permissions: listed, scope } = claims;
  if (typeof sub !== 'string' || typeof tenantId !== 'string') return null;
  const granted: unknown[] = Array.isArray(listed) ? listed : typeof scope === 'string' ? scope.split(' ') : [];
  const known: readonly string[] = ['*', ...permissions];
  return {
    tenantId,
    actorId: sub,
    permissions: granted.filter((it): it is Permission | '*' => typeof it === 'string' && known.includes(it)),
  };
}
