import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database, type DialectName } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type RetentionPolicy } from '../../src/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const old = Date.now() - 100 * 86_400_000;

interface Refused {
  what: string;
  /** What makes the table `refused`, with rows; by dialect where it is not for all. */
  makes: string[] | Partial<Record<DialectName, string[]>>;
  policy?: Partial<RetentionPolicy>;
  says: RegExp;
}

const table = 'create table refused (id bigint primary key, at bigint, note varchar(20))';
const filled = `insert into refused (id, at) values (1, ${old}), (2, ${old})`;
const noIndex = /no index begins with at/;
const refused: Refused[] = [
  {
    what: 'has no primary key',
    makes: ['create table refused (id bigint, at bigint)', 'create index refused_at on refused (at)', filled],
    says: /has no primary key/,
  },
  {
    what: 'has a unique key, and no primary one',
    makes: [
      'create table refused (id bigint not null unique, at bigint)',
      'create index refused_at on refused (at)',
      filled,
    ],
    says: /has no primary key/,
  },
  { what: 'has no index on its time', makes: [table, filled], says: noIndex },
  {
    what: 'has its time second in an index',
    makes: [table, 'create index refused_at on refused (note, at)', filled],
    says: noIndex,
  },
  {
    what: 'has an index on its time of some rows alone',
    makes: {
      sqlite: [table, `create index refused_at on refused (at) where note is null`, filled],
      postgres: [table, `create index refused_at on refused (at) where note is null`, filled],
    },
    says: noIndex,
  },
  {
    what: 'has an index on what is reckoned from its time',
    makes: {
      sqlite: [table, 'create index refused_at on refused (at + 1)', filled],
      postgres: [table, 'create index refused_at on refused ((at + 1))', filled],
    },
    says: noIndex,
  },
  {
    what: 'has an index on its time that knows no order',
    makes: { postgres: [table, 'create index refused_at on refused using hash (at)', filled] },
    says: noIndex,
  },
  {
    what: 'has an index on its time that the server is told to pass over',
    makes: { mysql: [table, 'create index refused_at on refused (at) /*M! ignored */ /*!80000 invisible */', filled] },
    says: noIndex,
  },
  {
    what: 'is a view',
    makes: ['create table base (id bigint primary key, at bigint)', 'create view refused as select * from base'],
    says: /does not exist/,
  },
  {
    what: 'has no such time column',
    makes: [table, filled],
    policy: { timeColumn: 'born' },
    says: /has no such time column/,
  },
  {
    what: 'keeps text in its time column',
    makes: [table, 'create index refused_note on refused (note)', filled],
    policy: { timeColumn: 'note' },
    says: /does not keep instants as ms/,
  },
  {
    what: 'is written with another case',
    makes: [table, 'create index refused_at on refused (at)', filled],
    policy: { table: 'Refused' },
    says: /does not exist/,
  },
];

for (const { title, dialect, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`a table on ${title} is refused, and no row goes, when it`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    const execute = (text: string) => sql.raw(text).execute(database.kysely);
    const rowsOf = async (name: string) =>
      (await sql`select * from ${sql.id(name)}`.execute(database.kysely)).rows.length;
    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });

    const own = ({ makes }: Refused): string[] | undefined => (Array.isArray(makes) ? makes : makes[dialect]);
    for (const it_ of refused.filter((one) => own(one) !== undefined))
      it(it_.what, async () => {
        for (const statement of own(it_) ?? []) await execute(statement);
        const maintenance = createMaintenance({
          store: memoryMaintenanceStore(),
          databases: { main: database },
          retention: [
            {
              name: 'refused',
              database: 'main',
              table: 'refused',
              timeColumn: 'at',
              retentionDays: 30,
              maxShare: 1,
              ...it_.policy,
            },
          ],
          startScheduler: false,
        });
        const { runs, plans } = maintenance.scope({ tenantId: 'acme' });
        const before = await rowsOf('refused');
        try {
          expect(await runs.run('database_cleanup', {})).toMatchObject({
            status: 'failed',
            itemsCleaned: 0,
            errorMessage: expect.stringMatching(it_.says) as string,
          });
          const request = { maintenanceType: 'database_cleanup', parameters: {} };
          await expect(plans.create(request)).rejects.toMatchObject({ code: 'PLAN_NOT_MADE' });
          expect(await rowsOf('refused')).toBe(before);
        } finally {
          await maintenance.stop();
          const view = it_.what === 'is a view';
          for (const drop of view ? ['drop view refused', 'drop table base'] : ['drop table refused'])
            await execute(drop);
        }
      });
  });
