import { Readable } from 'node:stream';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { describe, expect, it } from 'vitest';
import { isPermitted } from '../../src/http/authenticate.js';
import { apiKeyAuthenticator, hashApiKey, jwtAuthenticator, type HttpRequest } from '../../src/http/index.js';

const requestWith = (authorization?: string): HttpRequest => ({
  method: 'GET',
  path: '/',
  mountedAt: '',
  params: {},
  query: {},
  headers: { authorization },
  remoteAddress: '127.0.0.1',
  body: { stream: Readable.from([]) },
  signal: new AbortController().signal,
});

describe('API keys', () => {
  const record = { hash: hashApiKey('k-1'), tenantId: 'acme', actorId: 'user:1', permissions: ['*' as const] };

  it('finds the principal of a key, and keeps only its hash', async () => {
    expect(await apiKeyAuthenticator([record])(requestWith('Bearer k-1'))).toMatchObject({ tenantId: 'acme' });
    expect(JSON.stringify(record)).not.toContain('k-1');
  });

  it.each([undefined, '', 'k-1', 'Basic k-1', 'Bearer ', 'Bearer k-2', 'Bearer k-1 k-1', 'Bearer k-1\u0000'])(
    'refuses %j',
    async (authorization) => {
      expect(await apiKeyAuthenticator([record])(requestWith(authorization))).toBeNull();
    },
  );

  it('asks the host’s own table by hash', async () => {
    const asked: string[] = [];
    const authenticate = apiKeyAuthenticator(async (hash) => {
      asked.push(hash);
      return hash === record.hash ? record : null;
    });
    expect(await authenticate(requestWith('bearer k-1'))).toBe(record);
    expect(await authenticate(requestWith('Bearer other'))).toBeNull();
    expect(asked).toEqual([hashApiKey('k-1'), hashApiKey('other')]);
  });

  it('are permitted what they name, or all by a star, and nothing else', () => {
    const reader = { ...record, permissions: ['health:read' as const] };
    expect(isPermitted(record, 'lifecycle:write')).toBe(true);
    expect(isPermitted(reader, 'health:read')).toBe(true);
    expect(isPermitted(reader, 'health:write')).toBe(false);
    expect(isPermitted({ ...record, permissions: [] }, 'health:read')).toBe(false);
  });

  it('takes no record of another key, whatever the table gives', async () => {
    expect(await apiKeyAuthenticator(() => record)(requestWith('Bearer other'))).toBeNull();
  });

  it('refuses to be configured with a plain key', () => {
    expect(() => apiKeyAuthenticator([{ ...record, hash: 'k-1' }])).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('JWT', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const stranger = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'a', alg: 'ES256' }] };
  const authenticate = jwtAuthenticator({ issuer: 'https://id.example', audience: 'ops', jwks });

  const token = (
    claims: object,
    { issuer = 'https://id.example', audience = 'ops', key = privateKey, expires = '5m' } = {},
  ) =>
    new SignJWT({ tenant_id: 'acme', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'a' })
      .setSubject('user:7')
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime(expires)
      .sign(key);

  it('takes tenant, actor and the permissions that exist from the claims', async () => {
    const bearer = `Bearer ${await token({ scope: 'health:read openid lifecycle:write' })}`;
    expect(await authenticate(requestWith(bearer))).toEqual({
      tenantId: 'acme',
      actorId: 'user:7',
      permissions: ['health:read', 'lifecycle:write'],
    });
  });

  it.each([
    ['another issuer', token({}, { issuer: 'https://evil.example' })],
    ['another audience', token({}, { audience: 'billing' })],
    ['another key', token({}, { key: stranger.privateKey })],
    ['an expired token', token({}, { expires: '-1m' })],
    ['no tenant', token({ tenant_id: undefined })],
    ['an unsigned token', Promise.resolve(`${btoa('{"alg":"none"}')}.${btoa('{"tenant_id":"acme","sub":"x"}')}.`)],
  ])('refuses %s', async (_, signed) => {
    expect(await authenticate(requestWith(`Bearer ${await signed}`))).toBeNull();
  });
});
