import tls from 'node:tls';
import { sql } from 'kysely';
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { databaseFromUrl } from '../../src/kysely/index.js';
import { makeCertificates, type Certificates } from '../net/certificates.js';
import { mysqlShowing } from '../net/mysql-greeting.js';

let certificates: Certificates;
beforeAll(() => void (certificates = makeCertificates()));

/** Trusts the test's authority as one of those that everybody trusts. */
function trustAuthority(): void {
  const { createSecureContext } = tls;
  const spy = vi
    .spyOn(tls, 'createSecureContext')
    .mockImplementation((options) => createSecureContext({ ...options, ca: options?.ca ?? certificates.ca }));
  onTestFinished(() => spy.mockRestore());
}

it.each([
  ['good', true],
  ['other', false],
] as const)('a MySQL server of a trusted certificate, which is %s, hears of a login: %s', async (which, trusted) => {
  trustAuthority();
  const { port, heard, close } = await mysqlShowing(certificates[which]);
  const database = databaseFromUrl(`mysql://someone:hunter2@localhost:${port}/app?sslmode=verify-full`);
  await expect(sql`select 1`.execute(database.kysely)).rejects.toThrow();
  await database.close();
  await close();
  expect(heard.length > 0).toBe(trusted);
});

it('the name of a MySQL server is verified, or its address refused', () => {
  expect(() => databaseFromUrl('mysql://u@10.0.0.5/app?sslmode=verify-full')).toThrow(/give its name/);
  expect(() => databaseFromUrl('mysql://u@[::1]/app?sslmode=verify-full')).toThrow(/give its name/);
});
