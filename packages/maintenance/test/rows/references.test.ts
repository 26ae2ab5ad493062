import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { prepareAll } from '../../src/databases/rows/prepare.js';
import { planRows, previewRows } from '../../src/databases/rows/plan-rows.js';
import { checkPolicies } from '../../src/policies/policy-set.js';
import { clean, neverAborted, planned, tinyPace } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const dayMs = 86_400_000;
const asOf = Date.UTC(2026, 5, 1);
const [old, young] = [asOf - 60 * dayMs, asOf - dayMs];

for (const { title, present, fresh: createFresh, dialect } of dialects)
  describe.skipIf(!present)(`rows that others refer to, on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    const run = async (...statements: string[]) => {
      for (const statement of statements) await sql.raw(statement).execute(database.kysely);
    };
    const ids = async (table: string) =>
      (await sql<{ id: number }>`select id from ${sql.id(table)} order by id`.execute(database.kysely)).rows.map(
        ({ id }) => Number(id),
      );
    const policy = (table: string) => ({ name: table, database: 'main', table, timeColumn: 'at', retentionDays: 30 });
    const prepareEach = (...tables: string[]) => {
      const { retention } = checkPolicies({ databases: { main: database }, retention: tables.map(policy) });
      return prepareAll(retention, asOf, undefined, neverAborted);
    };
    const prepare = async (...tables: string[]) => (await prepareEach(...tables)).ordered;

    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      await run(
        'create table orders (id bigint primary key, at bigint)',
        'create index orders_at on orders (at)',
        // Restrict: the line must go first.
        'create table order_lines (id bigint primary key, order_id bigint not null, at bigint, foreign key (order_id) references orders (id))',
        'create index order_lines_at on order_lines (at)',
        'create index order_lines_order on order_lines (order_id)',
        'create table notes (id bigint primary key, order_id bigint, foreign key (order_id) references orders (id) on delete cascade)',
        'create table note_files (id bigint primary key, note_id bigint, foreign key (note_id) references notes (id) on delete cascade)',
        'create table hints (id bigint primary key, order_id bigint, foreign key (order_id) references orders (id) on delete set null)',
        `insert into orders values (1, ${old}), (2, ${old}), (3, ${old}), (4, ${young}), (5, null)`,
        `insert into order_lines values (10, 1, ${old}), (11, 2, ${old}), (12, 2, ${young})`,
        'insert into notes values (20, 1), (21, 1), (22, 3), (23, 4)',
        'insert into note_files values (30, 20), (31, 20), (32, 22), (33, 23)',
        'insert into hints values (40, 3), (41, 2)',
      );
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });

    it('are cleaned after their children, whatever the order of the policies', async () => {
      expect((await prepare('orders', 'order_lines')).map(({ name }) => name)).toEqual(['order_lines', 'orders']);
      expect((await prepare('order_lines', 'orders')).map(({ name }) => name)).toEqual(['order_lines', 'orders']);
    });

    it('are counted with all that goes along with them, and stay while a child is there that would refuse', async () => {
      // Before its lines went, only order 3 is free.
      const [, orders] = await prepare('orders', 'order_lines');
      if (!orders) throw new Error('no policy');
      const plan = await planRows(orders, neverAborted);
      expect(plan.due).toEqual({ items: 1, exact: true });
      const preview = await previewRows(orders, plan, neverAborted);
      expect(preview.cascades.map(({ table, onDelete, items }) => `${onDelete} ${table}: ${items}`).sort()).toEqual([
        'cascade note_files: 1',
        'cascade notes: 1',
        'set null hints: 1',
      ]);
      expect(preview.warnings).toContain('Rows that order_lines refers to stay until it does not.');
      expect(preview.warnings.some((it) => it.startsWith('No index of notes'))).toBe(
        !title.startsWith('MariaDB'), // InnoDB makes one for every reference.
      );

      await clean(database, await planned(database, policy('order_lines'), asOf), { pace: tinyPace(1) });
      expect(await ids('order_lines')).toEqual([12]);
      await clean(database, await planned(database, policy('orders'), asOf), { pace: tinyPace(1) });
      // Order 2 is old, but its young line is not.
      expect(await ids('orders')).toEqual([2, 4, 5]);
      expect(await ids('notes')).toEqual([23]);
      expect(await ids('note_files')).toEqual([33]);
    });

    it('in a circle are refused, and a table that refers to itself goes from its leaves', async () => {
      await run(
        'create table hens (id bigint primary key, egg_id bigint, at bigint)',
        'create table eggs (id bigint primary key, hen_id bigint, at bigint, foreign key (hen_id) references hens (id))',
        'create index hens_at on hens (at)',
        'create index eggs_at on eggs (at)',
      );
      if (title === 'SQLite')
        await run(
          'drop table eggs',
          'drop table hens',
          'create table hens (id bigint primary key, egg_id bigint references eggs (id), at bigint)',
          'create table eggs (id bigint primary key, hen_id bigint references hens (id), at bigint)',
        );
      else await run('alter table hens add foreign key (egg_id) references eggs (id)');
      const { ordered, unprepared } = await prepareEach('hens', 'eggs');
      expect(ordered).toEqual([]);
      for (const { fault } of unprepared)
        expect(fault).toMatchObject({
          code: 'TABLE_NOT_MAINTAINABLE',
          message: expect.stringContaining('in a circle') as string,
        });
      expect(unprepared.map(({ name }) => name).sort()).toEqual(['eggs', 'hens']);
      await run(
        'create table folders (id bigint primary key, parent_id bigint, at bigint, foreign key (parent_id) references folders (id))',
        'create index folders_at on folders (at)',
        `insert into folders values (1, null, ${old}), (2, 1, ${old}), (3, 2, ${old}), (4, 2, ${young})`,
      );
      await clean(database, await planned(database, policy('folders'), asOf), { pace: tinyPace(1) });
      expect(await ids('folders')).toEqual([1, 2, 4]);
    });

    if (dialect === 'postgres')
      it('are found, too, where it is a partition of their table, or what that is a partition of', async () => {
        await run(
          'create table visits (id bigint, at bigint, primary key (id, at)) partition by range (at)',
          `create table visits_old partition of visits for values from (minvalue) to (${old + 1})`,
          `create table visits_new partition of visits for values from (${old + 1}) to (maxvalue)`,
          'create table marks (id bigint primary key, visit_id bigint, visit_at bigint, foreign key (visit_id, visit_at) references visits_old)',
          `insert into visits values (1, ${old}), (2, ${old}), (3, ${young})`,
          `insert into marks values (1, 1, ${old})`,
        );
        const found = await planned(database, { ...policy('visits'), allowFullScan: true }, asOf);
        // To drop a partition that is referred to is refused.
        expect(found.plan).toMatchObject({ strategy: { kind: 'key_keyset' }, due: { items: 1, exact: true } });
        await clean(database, found, { pace: tinyPace(10) });
        expect(await ids('visits')).toEqual([1, 3]);
        // And of a partition, where its parent is referred to.
        await run(
          'create table remarks (id bigint primary key, visit_id bigint, visit_at bigint, foreign key (visit_id, visit_at) references visits)',
          `insert into visits values (4, ${old})`,
          `insert into remarks values (1, 4, ${old})`,
          'drop table marks',
        );
        const part = await planned(database, { ...policy('visits_old'), allowFullScan: true }, asOf);
        expect(part.plan.due).toEqual({ items: 1, exact: true });
        await clean(database, part, { pace: tinyPace(10) });
        expect(await ids('visits')).toEqual([3, 4]);
      });

    it('in their own table go by the same statements whether or not its policy names its schema', async () => {
      await run(
        'create table pages (id bigint primary key, parent_id bigint, at bigint, foreign key (parent_id) references pages (id) on delete cascade)',
        'create index pages_at on pages (at)',
        'create index pages_parent on pages (parent_id)',
      );
      const ownSchema = {
        sqlite: `select 'main' as s`,
        postgres: 'select current_schema() as s',
        mysql: 'select database() as s',
      }[dialect];
      const { rows } = await sql.raw<{ s: string }>(ownSchema).execute(database.kysely);
      const cleaned = async (schema?: string) => {
        await run(`insert into pages values (1, null, ${old}), (2, 1, ${young}), (3, null, ${young})`);
        const statements: string[] = [];
        const recording = database.kysely.withPlugin({
          transformQuery({ node, queryId }) {
            statements.push(database.kysely.getExecutor().compileQuery(node, queryId).sql);
            return node;
          },
          transformResult: ({ result }) => Promise.resolve(result),
        });
        const found = await planned(database, { ...policy('pages'), schema }, asOf);
        const { cascades } = await previewRows(found.prepared, found.plan, neverAborted);
        await clean({ ...database, kysely: recording }, found, { pace: tinyPace(10) });
        expect(await ids('pages')).toEqual([3]);
        await run('delete from pages');
        return { cascades, statements: statements.filter((it) => it.includes('pages')) };
      };
      const plain = await cleaned();
      expect(plain.cascades).toEqual([{ table: 'pages', onDelete: 'cascade', items: 1 }]);
      expect(await cleaned(rows[0]?.s)).toEqual(plain);
    });
  });
