import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { createLifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { freshSqlite } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { until } from '../support/lifecycle.js';

const databases = [
  { title: 'SQLite', present: true, fresh: freshSqlite },
  { title: 'PostgreSQL', present: available.postgres, fresh: freshPostgres },
  { title: 'MariaDB', present: available.mysql, fresh: freshMysql },
];
const deaths = [
  { where: 'after a batch', count: 2_400, processed: 2_000 },
  { where: 'in a transaction', count: 60, processed: 29 },
];

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/bulk-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

for (const { title, present, fresh } of databases)
  describe.skipIf(!present)(`a process that dies in the middle of many, on ${title}`, () => {
    it.each(deaths)(
      '$where, leaves an operation that another ends, each customer once',
      async (death) => {
        const { url, drop } = await fresh();
        const database = databaseFromUrl(url);
        const store = kyselyLifecycleStore(database);
        await store.migrate();
        const people = await crowd(store, death.count);
        const first = spawn(process.execPath, [worker.path, url, death.where], {
          stdio: ['ignore', 'inherit', 'inherit'],
        });
        expect(await once(first, 'exit')).toEqual([null, 'SIGKILL']);
        const { bulk, customers, history } = store.tenant('acme');
        const operation = async () => (await bulk.list({ limit: 1 })).items[0];
        expect(await operation()).toMatchObject({ status: 'running', processed: death.processed });
        // Another process takes it up when nobody has gone on with it for half a minute.
        const later = { ...systemClock, now: () => Date.now() + 60_000 };
        const second = createLifecycle({ store, clock: later, sweepMs: 50 });
        await second.start();
        await until(async () => (await operation())?.status === 'completed');
        await second.stop();
        const figures = { total: death.count, processed: death.count, changed: death.count, refused: 0 };
        expect(await operation()).toMatchObject(figures);
        expect(await customers.countByStage()).toEqual({ suspended: death.count });
        for (const { id } of people.filter((_, index) => index % 100 === 0 || index % 29 === 0)) {
          const events = (await history.list(id, { limit: 9 })).map(({ event }) => [event.name, event.actor]);
          expect(events).toEqual([
            ['customer.registered', 'user:1'],
            ['customer.suspended', 'user:7'],
          ]);
        }
        const versions = await database
          .withTables<{ dotmac_customers: { version: number } }>()
          .selectFrom('dotmac_customers')
          .select('version')
          .distinct()
          .execute();
        expect(versions.map(({ version }) => Number(version))).toEqual([2]);
        await database.close();
        await drop();
      },
      120_000,
    );
  });
