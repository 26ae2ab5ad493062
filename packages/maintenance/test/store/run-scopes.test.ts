import { CompiledQuery, sql, type KyselyPlugin } from 'kysely';
import { describe, expect, it } from 'vitest';
import { newId } from '@dotmac/core';
import { fromKysely, type Database } from '@dotmac/core/kysely';
import { kyselyMaintenanceStore } from '../../src/index.js';
import type { MaintenanceTables } from '../../src/store/kysely/tables.js';
import { dialects } from '../support/databases.js';
import { suiteDatabase } from '../support/suite-database.js';

const explain = { sqlite: 'explain query plan', postgres: 'explain', mysql: 'explain' } as const;
const analyze = { sqlite: 'analyze', postgres: 'analyze', mysql: 'analyze table' } as const;

for (const { dialect, fresh: createFresh, title } of dialects.filter(({ present }) => present))
  describe(`runs on ${title}`, () => {
    let database: Database;
    suiteDatabase(createFresh, (opened) => (database = opened));

    it('of a machine are found by it, and none of others is read', async () => {
      const { kysely } = database;
      const asked: CompiledQuery[] = [];
      const listening: KyselyPlugin = {
        transformQuery({ node, queryId }) {
          asked.push(kysely.getExecutor().compileQuery(node, queryId));
          return node;
        },
        transformResult: ({ result }) => Promise.resolve(result),
      };
      const store = kyselyMaintenanceStore(fromKysely(kysely.withPlugin(listening), dialect));
      await store.migrate();
      const tables = database.withTables<MaintenanceTables>();
      for (let round = 0; round < 10; round++)
        await tables
          .insertInto('dotmac_maintenance_runs')
          .values(Array.from({ length: 200 }, (_, i) => completed(`pod-${i % 40}`)) as never)
          .execute();
      await sql.raw(`${analyze[dialect]} dotmac_maintenance_runs`).execute(kysely);
      const listing = { limit: 10, task: 'system_monitoring', status: 'completed', applied: true } as const;
      expect(await store.runs('acme').list({ ...listing, scopeId: 'pod-new' })).toEqual([]);
      const query = asked.at(-1);
      const plan = CompiledQuery.raw(`${explain[dialect]} ${query?.sql}`, [...(query?.parameters ?? [])]);
      expect(JSON.stringify((await kysely.executeQuery(plan)).rows)).toContain('dotmac_maintenance_runs_scope');
    });
  });

const completed = (scope: string) => ({
  ...{ tenant_id: 'acme', id: newId(), task: 'system_monitoring', scope_id: scope, trigger_kind: 'schedule' },
  ...{ actor: 'system', status: 'completed', started_at: 1, ended_at: 2, dry_run: 0, details: '{}' },
  ...{ items_processed: 0, items_cleaned: 0, bytes_freed: 0 },
});
