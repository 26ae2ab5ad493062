import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { planned } from '../support/clean.js';
import { dialects } from '../support/databases.js';

const dayMs = 86_400_000;
const asOf = Date.UTC(2026, 5, 1);
const bound = asOf - 60 * dayMs;
const table = (name: string) =>
  `create table ${name} (id bigint, at bigint, primary key (id, at)) partition by range (at)`;

const created = {
  postgres: [
    table('by_default'),
    `create table d_old partition of by_default for values from (minvalue) to (${bound})`,
    'create table d_rest partition of by_default default',
    table('up_to'),
    `create table u_old partition of up_to for values from (minvalue) to (${bound})`,
    `create table u_rest partition of up_to for values from (${bound}) to (maxvalue)`,
  ],
  mysql: [
    `${table('up_to')} (partition u_old values less than (${bound}), partition u_rest values less than maxvalue)`,
  ],
};

for (const { title, dialect, present, fresh: createFresh } of dialects)
  if (dialect !== 'sqlite')
    describe.skipIf(!present)(`a partition without an end, on ${title}`, () => {
      it.each(
        dialect === 'postgres'
          ? [
              ['by_default', 'd_rest'],
              ['up_to', 'u_rest'],
            ]
          : [['up_to', 'u_rest']],
      )('keeps what is old in it, and that is told: %s', async (name, rest) => {
        const fresh = await createFresh();
        const database = databaseFromUrl(fresh.url);
        onTestFinished(async () => {
          await database.close();
          await fresh.drop();
        });
        const run = (text: string) => sql.raw(text).execute(database.kysely);
        for (const text of created[dialect]) await run(text);
        const spared = async () => {
          const policy = { table: name, timeColumn: 'at', retentionDays: 30 };
          return (await planned(database, policy, asOf)).plan.spared;
        };
        await run(`insert into ${name} values (1, ${bound - 1}), (2, ${asOf})`);
        expect(await spared()).toEqual([]);
        await run(`insert into ${name} values (3, ${bound + dayMs})`);
        expect(await spared()).toEqual([
          expect.stringMatching(`^The partition ${rest} has no end, and rows from before the cutoff, which stay`),
        ]);
      });
    });
