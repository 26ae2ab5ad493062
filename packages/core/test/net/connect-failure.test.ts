import { describe, expect, it } from 'vitest';
import { ConnectFailure, connectFailureOf, isConnectFailure } from '../../src/net/index.js';

describe('connectFailureOf', () => {
  it.each([
    ['ECONNREFUSED', 'refused', false],
    ['ECONNRESET', 'reset', false],
    ['ETIMEDOUT', 'timeout', false],
    ['EHOSTUNREACH', 'unreachable', false],
    ['ENETUNREACH', 'unreachable', false],
    ['EMFILE', 'out_of_descriptors', true],
    ['ENFILE', 'out_of_descriptors', true],
    ['ENOBUFS', 'out_of_descriptors', true],
    ['EADDRNOTAVAIL', 'out_of_descriptors', true],
    ['ENOTFOUND', 'name_not_found', false],
    ['ESERVFAIL', 'dns_failed', true],
    ['CERT_HAS_EXPIRED', 'certificate_expired', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate_invalid', false],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls_failed', false],
    ['toString', 'failed', false],
  ])('reads %s as %s', (code, meaning, ownTrouble) => {
    const secret = Object.assign(new Error('connect 10.0.0.5 as user:S3CRET'), { code, input: 'S3CRET' });
    const failure = connectFailureOf(secret);
    expect(failure).toEqual(expect.objectContaining({ code: meaning, ownTrouble }));
    expect(JSON.stringify(failure) + failure.stack + String(failure.cause)).not.toMatch(/S3CRET|10\.0\.0\.5/);
  });

  it('passes its own through and knows those of another copy of the package', () => {
    const failure = new ConnectFailure('denied');
    expect(connectFailureOf(failure)).toBe(failure);
    expect(isConnectFailure({ [Symbol.for('dotmac.ConnectFailure')]: true })).toBe(true);
    for (const other of [null, undefined, 'x', new Error('x'), { code: 1 }]) {
      expect(isConnectFailure(other)).toBe(false);
      expect(connectFailureOf(other).code).toBe('failed');
    }
  });
});
