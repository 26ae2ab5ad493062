import { sql } from 'kysely';
import { beforeAll, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { makeCertificates, type Certificates } from '../../../core/test/net/certificates.js';
import { mysqlShowing } from '../../../core/test/net/mysql-greeting.js';
import { withDatabase } from '../../src/backups/databases/server.js';
import { faultOf } from '../../src/backups/program.js';

let certificates: Certificates;
beforeAll(() => void (certificates = makeCertificates()));

it.each([
  ['good', 1, 'lost_connection'],
  ['other', 0, 'certificate_invalid'],
  ['expired', 0, 'certificate_expired'],
] as const)(
  'a MySQL server whose certificate the ca signed, %s, hears of %i logins: %s',
  async (which, logins, code) => {
    const { port, heard, close } = await mysqlShowing(certificates[which]);
    const settings = { ca: certificates.ca, timeoutMs: 5_000 };
    const asking = withDatabase(`mysql://someone:hunter2@localhost:${port}/app`, settings, systemClock, ({ kysely }) =>
      sql`select 1`.execute(kysely),
    );
    await expect(asking).rejects.toMatchObject({ code });
    await close();
    expect(heard).toHaveLength(logins);
  },
);

it.each([
  ['certificate_expired', 'TLS/SSL error: certificate has expired'],
  [
    'certificate_expired',
    'connection to server at "db" (10.0.0.1), port 5432 failed: SSL error: certificate has expired',
  ],
  ['certificate_invalid', 'connection to server at "db", port 5432 failed: SSL error: certificate verify failed'],
  [
    'certificate_invalid',
    'connection to server at "db", port 5432 failed: server certificate for "localhost" does not match host name "db"',
  ],
  ['certificate_invalid', 'ERROR 2026 (HY000): TLS/SSL error: self-signed certificate in certificate chain'],
  [
    'certificate_invalid',
    'ERROR 2026 (HY000): SSL connection error: error:0A000086:SSL routines::certificate verify failed',
  ],
  ['tls_failed', 'connection to server at "db", port 5432 failed: server does not support SSL, but SSL was required'],
  ['tls_failed', 'The server does not support SSL connections'],
  ['tls_failed', 'ERROR 2026 (HY000): SSL connection error: SSL is required but the server does not support it'],
  [
    'access_denied',
    'connection to server at "db" failed: FATAL: no pg_hba.conf entry for host "10.0.0.2", user "a", SSL off',
  ],
  [
    'version_mismatch',
    'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"',
  ],
  ['program_failed', 'pg_restore: error: could not execute query: ERROR: relation "certificates" already exists'],
  ['unreachable', 'connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused'],
])('%s is what a program means by: %s', (fault, complaint) => expect(faultOf(complaint)).toBe(fault));
