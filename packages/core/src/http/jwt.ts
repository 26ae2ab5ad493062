import { createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { coreErrors } from '../errors/core-errors.js';
import { permissions, type Permission } from '../contract/route.js';
import { bearerToken, type Authenticate, type Principal } from './authenticate.js';

/** How tokens are checked. Issuer and audience are required: a token made for another service must not work here. */
export interface JwtOptions {
  issuer: string;
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
    try {
      const checks = { issuer, audience, algorithms, clockTolerance: clockToleranceSeconds, requiredClaims: ['exp'] };
      const { payload } = await jwtVerify(token, keys, checks);
      return principal(payload);
    } catch (error) {
      // The key set out of reach is our trouble; everything else jose throws says that the token is not good.
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError))
        throw coreErrors.STORE_UNAVAILABLE({ operation: 'fetching the token issuer’s keys' }, { cause: error });
      return null;
    }
  };
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
