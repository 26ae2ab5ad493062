import { expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { makeCertificates } from '../../../core/test/net/certificates.js';
import { mysqlShowing } from '../../../core/test/net/mysql-greeting.js';
import { postgresShowing } from '../../../core/test/net/postgres-showing.js';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';

it.each([
  ['postgres', postgresShowing],
  ['mysql', mysqlShowing],
])('a cleanup on a server of %s whose certificate has expired tells so', async (scheme, showing) => {
  const { ca, expired } = makeCertificates();
  const { port, close } = await showing(expired);
  const database = databaseFromUrl(`${scheme}://someone:hunter2@localhost:${port}/app`, { ssl: { ca } });
  const { runs } = createMaintenance({
    store: memoryMaintenanceStore(),
    throttle: [],
    databases: { main: database },
    retention: [{ name: 'events', database: 'main', table: 'events', timeColumn: 'at', retentionDays: 30 }],
  }).scope({ tenantId: 'acme' });
  expect(await runs.execute({ maintenanceType: 'database_cleanup', parameters: {} })).toMatchObject({
    status: 'failed',
    errorMessage:
      'There was no secure connection to the database while connecting. The certificate is expired or not valid yet.',
  });
  await database.close();
  await close();
});
