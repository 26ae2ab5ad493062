import { sql } from 'kysely';
import { beforeAll, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { makeCertificates, type Certificates } from '../../../core/test/net/certificates.js';
import { mysqlShowing } from '../../../core/test/net/mysql-greeting.js';
import { withDatabase } from '../../src/backups/databases/server.js';

let certificates: Certificates;
beforeAll(() => void (certificates = makeCertificates()));

it.each([
  ['good', true],
  ['other', false],
] as const)('a MySQL server whose certificate the ca signed, %s, hears of a login: %s', async (which, trusted) => {
  const { port, heard, close } = await mysqlShowing(certificates[which]);
  const settings = { ca: certificates.ca, timeoutMs: 5_000 };
  const asking = withDatabase(`mysql://someone:hunter2@localhost:${port}/app`, settings, systemClock, ({ kysely }) =>
    sql`select 1`.execute(kysely),
  );
  await expect(asking).rejects.toThrow();
  await close();
  expect(heard.length > 0).toBe(trusted);
});
