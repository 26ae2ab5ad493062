import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database, type DialectName } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type RetentionPolicy } from '../../src/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const day = 86_400_000;
const old = Date.now() - 100 * day;

/** A change to the table or to what refers to it, and what takes it back; by dialect where they spell it differently. */
interface Change {
  what: string;
  does: string | Partial<Record<DialectName, string>>;
  undoes: string | Partial<Record<DialectName, string>>;
  /** In what the refusal says. */
  says: RegExp;
}

const logins = (onDelete: string): string =>
  `create table logins (id bigint primary key, session_id bigint, foreign key (session_id) references sessions (id) on delete ${onDelete})`;
const refilled = 'insert into logins select id, id from sessions where id <= 10';
const configuration = /the configuration or schema of table:main\.sessions is not what it was/;

const changes: Change[] = [
  {
    what: 'a column is added',
    does: 'alter table sessions add column device integer',
    undoes: 'alter table sessions drop column device',
    says: configuration,
  },
  {
    what: 'a column is dropped',
    does: 'alter table sessions drop column kind',
    undoes: 'alter table sessions add column kind varchar(20)',
    says: configuration,
  },
  {
    what: 'a column is renamed',
    does: 'alter table sessions rename column kind to sort',
    undoes: 'alter table sessions rename column sort to kind',
    says: configuration,
  },
  {
    what: 'a column gets another type',
    does: {
      postgres: 'alter table sessions alter column kind type varchar(40)',
      mysql: 'alter table sessions modify column kind text',
    },
    undoes: {
      postgres: 'alter table sessions alter column kind type varchar(20)',
      mysql: 'alter table sessions modify column kind varchar(20)',
    },
    says: configuration,
  },
  {
    what: 'the index of its time is dropped',
    does: { sqlite: 'drop index by_at', postgres: 'drop index by_at', mysql: 'drop index by_at on sessions' },
    undoes: 'create index by_at on sessions (at)',
    says: /no index begins with at/,
  },
  {
    what: 'an index is made by which it could be walked, too',
    does: 'create index by_kind on sessions (kind)',
    undoes: { sqlite: 'drop index by_kind', postgres: 'drop index by_kind', mysql: 'drop index by_kind on sessions' },
    says: configuration,
  },
  {
    what: 'a table refers to it that did not',
    does: 'create table carts (id bigint primary key, session_id bigint, foreign key (session_id) references sessions (id) on delete cascade)',
    undoes: 'drop table carts',
    says: configuration,
  },
  {
    what: 'a foreign key holds rows back that went along',
    does: `drop table logins; ${logins('restrict')}; ${refilled}`,
    undoes: `drop table logins; ${logins('cascade')}; ${refilled}`,
    says: configuration,
  },
  {
    what: 'a foreign key takes rows along, two tables further on',
    does: 'create table steps (id bigint primary key, login_id bigint, foreign key (login_id) references logins (id) on delete cascade)',
    undoes: 'drop table steps',
    says: /goes now: cascade: steps/,
  },
  {
    what: 'the table is renamed',
    does: 'alter table sessions rename to meetings',
    undoes: 'alter table meetings rename to sessions',
    says: /its table does not exist/,
  },
  {
    what: 'more than a fifth more rows are due',
    does: `insert into sessions select id + 1000, at, kind from sessions where id <= 3`,
    undoes: 'delete from sessions where id > 1000',
    says: /has 13 items now, and had 10/,
  },
  {
    what: 'more than a fifth fewer rows are due',
    does: `update sessions set at = ${Date.now()} where id <= 3`,
    undoes: `update sessions set at = ${old} where id <= 3`,
    says: /has 7 items now, and had 10/,
  },
  {
    what: 'as many rows are due, with more than a fifth more that go along',
    does: 'insert into logins select id + 100, session_id from logins where id <= 3',
    undoes: 'delete from logins where id > 100',
    says: /cascade: logins has 13 items that go .* had 10/,
  },
];

for (const { title, dialect, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`a plan for a table that changes before it is applied, on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    const said = (text: Change['does']): string | undefined => (typeof text === 'string' ? text : text[dialect]);
    const execute = async (text: string): Promise<void> => {
      for (const statement of text.split('; ')) await sql.raw(statement).execute(database.kysely);
    };
    const count = async (table: string): Promise<number> => {
      const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.id(table)}`.execute(database.kysely);
      return Number(rows[0]?.n);
    };

    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });
    beforeEach(async () => {
      for (const table of ['steps', 'carts', 'logins', 'meetings', 'sessions'])
        await execute(`drop table if exists ${table}`);
      await execute('create table sessions (id bigint primary key, at bigint, kind varchar(20))');
      await execute(`create index by_at on sessions (at); ${logins('cascade')}`);
      for (let id = 1; id <= 40; id++)
        await execute(`insert into sessions values (${id}, ${id <= 10 ? old : Date.now()}, 'web')`);
      await execute(refilled);
    });

    const policy = { name: 'sessions', database: 'main', table: 'sessions', timeColumn: 'at', retentionDays: 30 };
    const store = memoryMaintenanceStore();
    const plansOf = (retention: RetentionPolicy) =>
      createMaintenance({ store, databases: { main: database }, retention: [retention], startScheduler: false }).scope({
        tenantId: 'acme',
      }).plans;
    const cleaning = { maintenanceType: 'database_cleanup', parameters: {} };

    for (const { what, does, undoes, says } of changes.filter((it) => said(it.does) !== undefined))
      it(`is refused when ${what}, and applied when that is taken back`, async () => {
        const plans = plansOf(policy);
        const { id } = await plans.create(cleaning);
        await execute(said(does) as string);
        const refusal = await plans.apply(id).catch((error: unknown) => error);
        expect(refusal).toMatchObject({ code: 'PLAN_DRIFTED', message: expect.stringMatching(says) as string });
        await execute(said(undoes) as string);
        expect(await count('sessions')).toBe(40);
        expect(await plans.apply(id)).toMatchObject({ status: 'completed', itemsCleaned: 10 });
        expect([await count('sessions'), await count('logins')]).toEqual([30, 0]);
      });

    it('is applied when counts are a fifth off, and no more', async () => {
      const plans = plansOf(policy);
      const { id } = await plans.create(cleaning);
      await execute(`insert into sessions select id + 1000, at, kind from sessions where id <= 2`);
      await execute('insert into logins select id + 100, session_id from logins where id <= 2');
      expect(await plans.apply(id)).toMatchObject({ status: 'completed', itemsCleaned: 12 });
      expect([await count('sessions'), await count('logins')]).toEqual([30, 0]);
    });

    const others: [what: string, policy: RetentionPolicy][] = [
      ['its rows are kept for longer', { ...policy, retentionDays: 31 }],
      ['its newest rows are kept', { ...policy, keepNewest: 1 }],
      ['only some of its rows may go', { ...policy, where: (eb) => eb('kind', '=', 'web') }],
      ['its rows are archived', { ...policy, archive: { directory: '/srv/archive/of/sessions' } }],
      ['another column says how old they are', { ...policy, timeColumn: 'id' }],
    ];
    it.each(others)('is refused when %s by now', async (_, other) => {
      const { id } = await plansOf(policy).create(cleaning);
      await expect(plansOf(other).apply(id)).rejects.toMatchObject({ code: 'PLAN_DRIFTED' });
      expect(await count('sessions')).toBe(40);
      expect(await plansOf(policy).apply(id)).toMatchObject({ itemsCleaned: 10 });
    });
  });
