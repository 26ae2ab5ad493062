import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Database } from '@dotmac/core/kysely';
import { countIngest } from '../../src/databases/rows/count.js';
import { previewRows } from '../../src/databases/rows/plan-rows.js';
import { clean, neverAborted, planned } from '../support/clean.js';
import { dialects } from '../support/databases.js';
import { suiteDatabase } from '../support/suite-database.js';

const dayMs = 86_400_000;
const asOf = Date.UTC(2026, 5, 1);
const policy = { table: 'jobs', timeColumn: 'at', retentionDays: 30 };

for (const { title, present, fresh } of dialects)
  describe.skipIf(!present)(`rows with just these values, on ${title}`, () => {
    let database: Database;
    suiteDatabase(fresh, async (opened) => {
      database = opened;
      await sql`create table jobs (tenant varchar(20), id varchar(20), state varchar(20), kind integer, at bigint, primary key (tenant, id))`.execute(
        database.kysely,
      );
      await sql`create index jobs_state on jobs (state, at)`.execute(database.kysely);
    });
    const fill = async () => {
      await sql`delete from jobs`.execute(database.kysely);
      const rows = Array.from({ length: 60 }, (_, index) => {
        const at = asOf - (index % 2 === 0 ? 31 : 0.5) * dayMs;
        return sql`('acme', ${`job-${index}`}, ${index % 3 === 0 ? 'ended' : 'open'}, ${index % 5}, ${at})`;
      });
      await sql`insert into jobs values ${sql.join(rows)}`.execute(database.kysely);
    };

    it('go alone, along the index that has the values before the time', async () => {
      await fill();
      const cleanup = await planned(database, { ...policy, match: { state: 'ended' } }, asOf);
      const { plan, prepared } = cleanup;
      expect(plan.due).toEqual({ items: 10, exact: true });
      expect(plan.strategy.why).toContain('Along the index of state, at');
      const { statements } = await previewRows(prepared, plan, neverAborted);
      expect(JSON.stringify(statements)).toContain('jobs_state');
      const { dialect, selection, facts } = prepared;
      expect((await countIngest(database, dialect, selection, facts, asOf)).items).toBe(10);
      const pace = { ...dialect.pace, firstRows: 3, mostRows: 3 };
      expect(await clean(database, cleanup, { pace })).toMatchObject({ deleted: 10, drained: true });
      const { rows } = await sql<{ state: string; at: number }>`select state, at from jobs`.execute(database.kysely);
      expect(rows).toHaveLength(50);
      expect(rows.filter(({ state, at }) => state === 'ended' && Number(at) < asOf - 30 * dayMs)).toEqual([]);
    });

    it('are narrowed by a condition as well, and by several values', async () => {
      await fill();
      const match = { kind: 4, state: 'ended' };
      const cleanup = await planned(database, { ...policy, match, where: (eb) => eb('id', '<>', 'job-24') }, asOf);
      expect(await clean(database, cleanup)).toMatchObject({ deleted: 1 });
      const { rows } = await sql`select id from jobs where id in ('job-24', 'job-54')`.execute(database.kysely);
      expect(rows).toEqual([{ id: 'job-24' }]);
    });

    it.each([
      ['by values of columns that the index does not begin with', { kind: 4 }, 'no index begins with at'],
      ['by a column that there is not', { no_such: 1 }, 'its table has no column no_such'],
    ])('are refused %s', async (_, match, reason) => {
      await expect(planned(database, { ...policy, match }, asOf)).rejects.toMatchObject({
        code: 'TABLE_NOT_MAINTAINABLE',
        message: expect.stringContaining(reason),
      });
    });
  });
