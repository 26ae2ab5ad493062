import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { fakeClock } from '@dotmac/core/testing';
import { createMaintenance, kyselyMaintenanceStore } from '../src/index.js';
import { asTimePasses } from './support/as-time-passes.js';
import { countingTask } from './support/counting-task.js';
import { dialects } from './support/databases.js';

for (const { title, present, fresh: createFresh, dialect } of dialects)
  describe.skipIf(!present)(`two processes on ${title}`, () => {
    it('run a slot once between them', async () => {
      const fresh = await createFresh();
      const clock = fakeClock();
      const { counter, task } = countingTask();
      const databases = [databaseFromUrl(fresh.url), databaseFromUrl(fresh.url)];
      const schedules = [{ name: 'minutely', task: 'count', cron: '* * * * *', tenantId: 'acme' }];
      const modules = databases.map((database) =>
        createMaintenance({
          store: kyselyMaintenanceStore(database),
          clock,
          tasks: [task],
          schedules,
          leaseTtlMs: 600_000,
        }),
      );
      await Promise.all(modules.map((it) => it.start()));
      // A slot is closed once its run has left the task to the next; its run is completed a moment before.
      const completed = async () => {
        const { items = [] } = (await modules[0]?.scope({ tenantId: 'acme' }).schedules.slots('minutely')) ?? {};
        return items.filter(({ outcome }) => outcome === 'completed').length;
      };
      for (let slot = 1; slot <= 3; slot++) {
        await clock.advance(60_000);
        await expect.poll(asTimePasses(clock, completed)).toBe(slot);
      }
      await Promise.all(modules.map((it) => it.stop()));
      expect(counter.runs).toBe(3);
      await Promise.all(databases.map((it) => it.close()));
      await fresh.drop();
    });

    // The other databases have writers that do not wait for each other.
    if (dialect !== 'sqlite') return;
    it('insert while the other cleans up', async () => {
      const fresh = await createFresh();
      const [cleaning, writing] = [databaseFromUrl(fresh.url), databaseFromUrl(fresh.url)];
      await sql`create table events (id integer primary key, at bigint)`.execute(cleaning.kysely);
      await sql`insert into events with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) select i, 1 from n`.execute(
        cleaning.kysely,
      );
      const maintenance = createMaintenance({
        store: kyselyMaintenanceStore(cleaning),
        databases: { main: cleaning },
        retention: [
          {
            name: 'events',
            database: 'main',
            table: 'events',
            timeColumn: 'at',
            retentionDays: 1,
            maxShare: 1,
            allowFullScan: true,
          },
        ],
      });
      await maintenance.start();
      let cleaned = false;
      const run = maintenance
        .scope({ tenantId: 'acme' })
        .runs.run('database_cleanup', { vacuumAnalyze: true, dryRun: false })
        .finally(() => (cleaned = true));
      let inserted = 0;
      while (!cleaned) {
        await sql`insert into events (at) values (${Date.now()})`.execute(writing.kysely);
        inserted += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await run).toMatchObject({ status: 'completed', itemsCleaned: 100_000 });
      expect(inserted).toBeGreaterThan(10);
      const { rows } = await sql<{ n: number }>`select count(*) as n from events`.execute(writing.kysely);
      expect(Number(rows[0]?.n)).toBe(inserted);
      await maintenance.stop();
      await Promise.all([cleaning.close(), writing.close()]);
      await fresh.drop();
    });
  });
