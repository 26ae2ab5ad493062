import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSuite } from '@dotmac/core/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { available, freshMysql, freshPostgres, postgresUrl, redisUrl } from '../../../../test/support/services.js';
import { startQuickstart, type Quickstart } from '../../src/quickstart.js';
import { readSettings } from '../../src/settings.js';
import { access } from './access.js';
import { alerts } from './alerts.js';
import { bulk } from './bulk.js';
import { createClient } from './client.js';
import { customerLifecycle } from './customer-lifecycle.js';
import { customerReading } from './customer-reading.js';
import { infrastructureMaintenance } from './infrastructure-maintenance.js';
import { heartbeats } from './heartbeats.js';
import { imports } from './imports.js';
import { incidents } from './incidents.js';
import { maintenancePlans } from './maintenance-plans.js';
import { maintenanceSchedules } from './schedules.js';
import { networkMonitoring } from './network-monitoring.js';
import { objectives } from './objectives.js';
import { operations } from './operations.js';
import { privacy } from './privacy.js';
import { serviceLife } from './services.js';
import { statusFeeds } from './status-feeds.js';
import { streams } from './streams.js';
import type { ContractSubject } from './subject.js';
import { lifecycleWebhooks } from './webhooks.js';

const databases = [
  { name: 'SQLite', present: true, fresh: async () => ({ url: undefined, drop: async () => undefined }) },
  { name: 'PostgreSQL', present: available.postgres, fresh: freshPostgres },
  { name: 'MariaDB', present: available.mysql, fresh: freshMysql },
];
const suites = [
  networkMonitoring,
  incidents,
  alerts,
  streams,
  imports,
  heartbeats,
  objectives,
  statusFeeds,
  customerLifecycle,
  serviceLife,
  lifecycleWebhooks,
  bulk,
  customerReading,
  infrastructureMaintenance,
  maintenancePlans,
  maintenanceSchedules,
  operations,
  privacy,
  access,
];

const running = Object.entries(available).flatMap(([service, present]) => (present ? [service] : []));
// A tenant for each case, and a stranger; every tenant has a key for all and a key for nothing it needs.
const tenants = Array.from({ length: 2 * suites.flatMap(({ cases }) => cases).length }, (_, index) => `t${index}`);
const secret = randomBytes(8).toString('hex');
const keys = tenants.flatMap((tenant) => [`all-${tenant}-${secret}:${tenant}`, `none-${tenant}-${secret}:${tenant}:`]);

describe.each(['express', 'fastify'])('the HTTP contract on %s', (FRAMEWORK) => {
  for (const { name, present, fresh } of databases)
    describe.skipIf(!present)(`and ${name}${present ? '' : ' (needs it: npm run services)'}`, () => {
      let quickstart: Quickstart;
      let database: { url: string | undefined; drop(): Promise<void> };
      let dataDirectory: string;
      let next = 0;

      beforeAll(async () => {
        dataDirectory = await mkdtemp(join(tmpdir(), 'dotmac-contract-'));
        database = await fresh();
        const settings = readSettings({
          PORT: '0',
          FRAMEWORK,
          DATABASE_URL: database.url,
          REDIS_URL: available.redis ? redisUrl : undefined,
          DATA_DIR: dataDirectory,
          DOTMAC_API_KEYS: keys.join(','),
          LOG_LEVEL: 'silent',
        });
        quickstart = await startQuickstart(settings);
      });
      afterAll(async () => {
        await quickstart?.close();
        await database?.drop();
        await rm(dataDirectory, { recursive: true, force: true });
      });

      for (const suite of suites)
        runSuite(
          suite,
          { describe, it },
          async () => ({ subject: subjectFor(quickstart, dataDirectory, next++) }),
          running,
        );
    });
});

function subjectFor(quickstart: Quickstart, dataDirectory: string, index: number): ContractSubject {
  const [tenantId = '', stranger = ''] = tenants.slice(2 * index, 2 * index + 2);
  const client = (key: string | null) => createClient(quickstart.url, key);
  return {
    tenantId,
    client: client(`all-${tenantId}-${secret}`),
    stranger: client(`all-${stranger}-${secret}`),
    powerless: client(`none-${tenantId}-${secret}`),
    anonymous: client(null),
    dataDirectory,
    postgresUrl,
    seedSessions: (old, recent) => quickstart.demo.seed(old, recent),
    sessions: () => quickstart.demo.count(),
  };
}
