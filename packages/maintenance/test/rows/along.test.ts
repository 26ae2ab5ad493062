import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type RetentionPolicy } from '../../src/index.js';
import { clean, planned } from '../support/clean.js';
import { dialects } from '../support/databases.js';
import { suiteDatabase } from '../support/suite-database.js';

const dayMs = 86_400_000;
const policy: Omit<RetentionPolicy, 'name' | 'database'> = {
  table: 'orders',
  timeColumn: 'ended_at',
  retentionDays: 30,
  maxShare: 1,
  along: [
    { table: 'order_lines', columns: { tenant: 'tenant', order_id: 'id' } },
    { table: 'order_notes', columns: { order_id: 'id', tenant: 'tenant' } },
  ],
};

for (const { title, dialect, present, fresh } of dialects)
  describe.skipIf(!present)(`rows that go with those of a policy, on ${title}`, () => {
    let database: Database;
    const made = async (statement: string): Promise<void> => {
      await sql.raw(statement).execute(database.kysely);
    };
    const ownSchema = async (): Promise<string> => {
      if (dialect === 'sqlite') return 'main';
      const { rows } = await sql<{ own: string }>`
        select ${sql.raw(dialect === 'postgres' ? 'current_schema()' : 'database()')} as own`.execute(database.kysely);
      return rows[0]?.own ?? '';
    };
    suiteDatabase(fresh, async (opened) => {
      database = opened;
      await made('create table orders (tenant varchar(20), id varchar(20), ended_at bigint, primary key (tenant, id))');
      await made('create index orders_ended on orders (ended_at)');
      await made(
        'create table order_lines (tenant varchar(20), order_id varchar(20), nr integer, primary key (tenant, order_id, nr))',
      );
      await made('create table order_notes (id integer primary key, tenant varchar(20), order_id varchar(20))');
      await made('create index order_notes_of on order_notes (tenant, order_id)');
      await made('create table order_texts (id integer primary key, tenant varchar(20), order_id varchar(20))');
    });
    const maintained = (of: typeof policy) =>
      createMaintenance({
        store: memoryMaintenanceStore(),
        databases: { main: database },
        retention: [{ name: 'orders', database: 'main', ...of }],
      }).scope({ tenantId: 'acme' });
    /** Of two tenants, so that one’s orders are called as the other’s; `many` has more lines than go at a time. */
    const fill = async (now: number) => {
      for (const table of ['orders', 'order_lines', 'order_notes']) await made(`delete from ${table}`);
      const [old, young] = [now - 31 * dayMs, now - 29 * dayMs];
      await sql`insert into orders values ('acme', 'many', ${old}), ('acme', 'o''ld', ${old}), ('acme', 'bare', ${old}),
        ('globex', 'many', ${young}), ('globex', 'open', null)`.execute(database.kysely);
      const line = (tenant: string, order: string) => (_: unknown, nr: number) => sql`(${tenant}, ${order}, ${nr})`;
      for (const [tenant, order, count] of [
        ['acme', 'many', 2_500],
        ['acme', "o'ld", 3],
        ['globex', 'many', 4],
        ['globex', 'open', 5],
      ] as const)
        await sql`insert into order_lines values ${sql.join(Array.from({ length: count }, line(tenant, order)))}`.execute(
          database.kysely,
        );
      await sql`insert into order_notes values (1, 'acme', 'o''ld'), (2, 'globex', 'open')`.execute(database.kysely);
    };
    const left = async () => {
      const of = async (query: string) => (await sql.raw<{ it: string }>(query).execute(database.kysely)).rows;
      return {
        orders: await of('select tenant, id from orders order by tenant, id'),
        lines: await of(
          'select tenant, order_id, count(*) as n from order_lines group by tenant, order_id order by 1, 2',
        ),
        notes: await of('select id from order_notes order by id'),
      };
    };

    it('go with them, and those of others stay; a dry run says how many, and the report as many', async () => {
      const now = Date.now();
      await fill(now);
      const maintenance = createMaintenance({
        store: memoryMaintenanceStore(),
        databases: { main: database },
        retention: [{ name: 'orders', database: 'main', ...policy }],
        startScheduler: false,
      });
      await maintenance.start();
      const { runs } = maintenance.scope({ tenantId: 'acme' });
      const before = await left();
      const { details: dry } = await runs.run('database_cleanup', { dryRun: true });
      expect(await left()).toEqual(before);
      expect(dry['plan']).toMatchObject({
        targets: [
          {
            items: 3,
            cascades: [
              { target: 'cascade: order_lines', items: 2_503 },
              { target: 'cascade: order_notes', items: 1 },
            ],
          },
        ],
      });
      const run = await runs.run('database_cleanup', {});
      await maintenance.stop();
      expect(run).toMatchObject({ status: 'completed', itemsCleaned: 3, errorMessage: null });
      expect(run.details['policies']).toMatchObject([{ rows: 3, rows_along: 2_504, outcome: 'done', left: 0 }]);
      const after = await left();
      expect(after.orders).toEqual([
        { tenant: 'globex', id: 'many' },
        { tenant: 'globex', id: 'open' },
      ]);
      expect(after.lines.map((it) => Object.values(it).map(String))).toEqual([
        ['globex', 'many', '4'],
        ['globex', 'open', '5'],
      ]);
      expect(after.notes).toEqual([{ id: 2 }]);
    });

    it('go before them, no more than five hundred at a time: a run that ends leaves no row without the one it belongs to', async () => {
      const now = Date.now();
      await fill(now);
      const cleanup = await planned(database, policy, now);
      const seen: { deleted: number; rowsAlong: number }[] = [];
      const once = await clean(database, cleanup, {
        onBatch: ({ deleted, rowsAlong }) => Promise.resolve(seen.push({ deleted, rowsAlong }) < 2),
      });
      expect(seen).toEqual([
        { deleted: 0, rowsAlong: 500 },
        { deleted: 0, rowsAlong: 500 },
      ]);
      expect(once).toMatchObject({ deleted: 0, rowsAlong: 1_000, drained: false });
      expect((await left()).orders).toHaveLength(5);
      expect(await clean(database, cleanup)).toMatchObject({ deleted: 3, rowsAlong: 1_504, drained: true });
      expect((await left()).orders).toHaveLength(2);
    });

    it.each([
      {
        ...{ what: 'and what refers by it holds back', onDelete: 'no action' },
        ...{ owners: 1, cascades: [{ target: 'cascade: l', items: 1 }], left: [1, 3] },
      },
      {
        ...{ what: 'and what goes by it is counted', onDelete: 'cascade', owners: 2, left: [] },
        cascades: [
          { target: 'cascade: l', items: 1 },
          { target: 'cascade: l', items: 2 },
        ],
      },
    ])('do not take the place of another reference of their table, $what', async ({ onDelete, ...expected }) => {
      const now = Date.now();
      await made('create table o (id integer primary key, ended_at bigint)');
      await made('create index o_ended on o (ended_at)');
      await made(
        `create table l (id integer primary key, o_id integer, origin_id integer,
          foreign key (o_id) references o (id), foreign key (origin_id) references o (id) on delete ${onDelete})`,
      );
      await made('create index l_of on l (o_id)');
      await made('create index l_origin on l (origin_id)');
      onTestFinished(async () => {
        await made('drop table l');
        await made('drop table o');
      });
      await made(`insert into o values (1, ${now - 31 * dayMs}), (2, ${now - 31 * dayMs}), (3, ${now - 29 * dayMs})`);
      await made('insert into l values (1, 1, null), (2, 2, null), (3, 3, 1)');
      const { runs } = maintained({ ...policy, table: 'o', along: [{ table: 'l', columns: { o_id: 'id' } }] });
      const { details: dry } = await runs.run('database_cleanup', { dryRun: true });
      expect(dry['plan']).toMatchObject({ targets: [{ items: expected.owners, cascades: expected.cascades }] });
      const run = await runs.run('database_cleanup', {});
      expect(run).toMatchObject({ status: 'completed', itemsCleaned: expected.owners, errorMessage: null });
      const { rows } = await sql.raw<{ id: number }>('select id from l order by id').execute(database.kysely);
      expect(rows.map(({ id }) => id)).toEqual(expected.left);
    });

    it('go by a foreign key, too, where the policy names the connection’s own schema', async () => {
      const now = Date.now();
      await made('create table owned (id integer primary key, ended_at bigint)');
      await made('create index owned_ended on owned (ended_at)');
      await made(
        'create table owned_lines (id integer primary key, o_id integer, foreign key (o_id) references owned (id))',
      );
      await made('create index owned_lines_of on owned_lines (o_id)');
      await made(`insert into owned values (1, ${now - 31 * dayMs})`);
      await made('insert into owned_lines values (1, 1)');
      const of = { ...policy, table: 'owned', along: [{ table: 'owned_lines', columns: { o_id: 'id' } }] };
      const cleanup = await planned(database, { ...of, schema: await ownSchema() }, now);
      expect(cleanup.plan.due.items).toBe(1);
      expect(await clean(database, cleanup)).toMatchObject({ deleted: 1, rowsAlong: 1 });
    });

    it('let a batch have two hundred rows at most: so plan their statements and their budgets', async () => {
      const now = Date.now();
      for (const table of ['orders', 'order_lines', 'order_notes']) await made(`delete from ${table}`);
      const orders = (at: number) =>
        sql`insert into orders values ${sql.join(Array.from({ length: 201 }, (_, nr) => sql`('acme', ${`${at}-${nr}`}, ${at})`))}`;
      await orders(now - 31 * dayMs).execute(database.kysely);
      await orders(now - dayMs / 2).execute(database.kysely);
      await made(`insert into order_lines select tenant, id, 1 from orders`);
      const request = { maintenanceType: 'database_cleanup', parameters: { max_batches: 1 } };
      const { plan } = await maintained(policy).plans.create(request);
      expect(plan.warnings).toEqual([expect.stringContaining('will never converge')]);
      const texts = plan.targets[0]?.statements.map((it) => it.sql) ?? [];
      expect(texts[0]).toContain('<=');
      const name = (table: string) => expect.stringMatching(new RegExp(`delete from .${table}. where`)) as string;
      expect(texts.filter((text) => text.startsWith('delete'))).toEqual([name('order_lines'), name('orders')]);
    });

    it.each([
      [
        'a table that there is not',
        { table: 'no_such', columns: { x: 'id' } },
        'the table no_such, of which rows go along, does not exist',
      ],
      [
        'a column that the other table has not',
        { table: 'order_lines', columns: { x: 'id' } },
        'the table order_lines, of which rows go along, has no column x',
      ],
      [
        'a column that the table has not',
        { table: 'order_lines', columns: { tenant: 'x' } },
        'its table has no column x',
      ],
      [
        'columns that no index begins with',
        { table: 'order_texts', columns: { order_id: 'id' } },
        'no index of order_texts begins with order_id',
      ],
    ])('are not looked for by %s', async (_, along, reason) => {
      await expect(planned(database, { ...policy, along: [along] }, Date.now())).rejects.toMatchObject({
        code: 'TABLE_NOT_MAINTAINABLE',
        message: expect.stringContaining(reason),
      });
    });

    it('are neither archived nor named without a column', async () => {
      for (const wrong of [{ archive: { table: 'old_orders' } }, { along: [{ table: 'order_lines', columns: {} }] }])
        await expect(planned(database, { ...policy, ...wrong }, Date.now())).rejects.toMatchObject({
          code: 'INVALID_ARGUMENT',
        });
    });
  });
