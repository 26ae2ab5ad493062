import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sqlite } from '@dotmac/core/kysely';
import { createMaintenance, kyselyMaintenanceStore } from '../../src/index.js';
import { sqliteRows } from '../../src/databases/sqlite/rows.js';
import { rateOf } from '../../src/tasks/measured-rate.js';

type Details = Parameters<typeof rateOf>[0][number];
const run = (...policies: [policy: string, rows: number, rate: number | null][]): Details => ({
  sizesApproximate: false,
  policies: policies.map(([policy, rows, rowsPerSecond]) => ({
    ...{ policy, rows, rowsPerSecond, table: 't', outcome: 'done', cutoff: 0, strategy: '' },
    ...{ rowsAlong: 0, batches: 1, retries: 0, left: 0, archivedTo: null, convergence: null, warnings: [] },
  })),
});

describe('how fast a policy’s rows go', () => {
  it.each<[string, Details[], number | null]>([
    ['is not known before it ran', [], null],
    ['is not known from another’s', [run(['b', 500, 9])], null],
    ['is what its run measured', [run(['b', 500, 9], ['a', 500, 7])], 7],
    ['is not told by a few rows', [run(['a', 99, 7]), run(['a', 100, 5])], 5],
    ['is not told by partitions', [run(['a', 500, null]), run(['a', 500, 5])], 5],
    ['is the median, the lower of two', [run(['a', 500, 40]), run(['a', 500, 10])], 10],
    ['is that of its last five', [9, 1, 8, 2, 5, 100, 100, 100].map((rate) => run(['a', 500, rate])), 5],
  ])('%s', (_, earlier, rate) => {
    expect(rateOf(earlier, 'a')).toBe(rate);
  });

  it('is what a plan goes by; without it a plan goes by what is usual, and says so', async () => {
    const database = sqlite(':memory:');
    onTestFinished(() => database.close());
    const fill = () =>
      sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < 2000) insert into a select i, 0 from n`.execute(
        database.kysely,
      );
    await sql`create table a (id integer primary key, at bigint)`.execute(database.kysely);
    await fill();
    const store = kyselyMaintenanceStore(database);
    await store.migrate();
    const { runs, plans } = createMaintenance({
      store,
      databases: { main: database },
      retention: [
        {
          name: 'a',
          database: 'main',
          table: 'a',
          timeColumn: 'at',
          retentionDays: 30,
          allowFullScan: true,
          maxShare: 1,
        },
      ],
    }).scope({ tenantId: 'acme' });
    const estimated = async () => {
      const { plan } = await plans.create({ maintenanceType: 'database_cleanup', parameters: {} });
      return plan.targets.map((it) => [it.estimatedFrom, it.estimatedMs])[0];
    };
    expect(await estimated()).toEqual(['default_rate', Math.ceil((2_000 / sqliteRows.rowsPerSecond) * 1_000)]);
    const { details } = await runs.run('database_cleanup', { vacuumAnalyze: false });
    const [{ rows_per_second: rate } = { rows_per_second: 0 }] = details['policies'] as { rows_per_second: number }[];
    expect(rate).toBeGreaterThan(0);
    await fill();
    expect(await estimated()).toEqual(['earlier_runs', Math.ceil((2_000 / rate) * 1_000)]);
  });
});
