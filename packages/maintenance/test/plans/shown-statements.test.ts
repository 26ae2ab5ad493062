import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql, type Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type RetentionPolicy } from '../../src/index.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const now = Date.UTC(2026, 5, 1);
const dayMs = 86_400_000;
const old = now - 60 * dayMs;
const clock = { ...systemClock, now: () => now };

/** A table in parts by time, two of which are old. */
const partitioned = {
  sqlite: [],
  postgres: [
    'create table parted (id bigint, at bigint, primary key (id, at)) partition by range (at)',
    `create table parted_a partition of parted for values from (minvalue) to (${old})`,
    `create table parted_b partition of parted for values from (${old}) to (${old + dayMs})`,
    `create table parted_c partition of parted for values from (${old + dayMs}) to (${now + dayMs})`,
  ],
  mysql: [
    `create table parted (id bigint, at bigint, primary key (id, at)) partition by range (at) (partition a values less than (${old}),
      partition b values less than (${old + dayMs}), partition c values less than (${now + dayMs}))`,
  ],
};

const [deletion, move] = [
  /^delete from "plain" where .*"at" < /,
  /^insert into "moved" .* select .* from "moving" where /,
];
/** The beginnings of what is shown of each policy. */
const shown: Record<'sqlite' | 'postgres' | 'mysql', Record<string, RegExp[]>> = {
  sqlite: { plain: [deletion], moving: [move, /^delete from "moving" where .*"at" < /], filed: [] },
  postgres: {
    plain: [deletion],
    moving: [/^with dm_gone as \(delete from "moving" where .* insert into "moved" /],
    filed: [],
    parted: [
      ...['a', 'b'].flatMap((it) => [
        new RegExp(`^alter table "parted" detach partition "public"."parted_${it}"$`),
        new RegExp(`^drop table "public"."parted_${it}"$`),
      ]),
    ],
  },
  mysql: {
    plain: [deletion],
    moving: [
      /^select .* from "moving" where .*"at" < .* for update$/,
      /^insert into "moved" .* select .* from "moving" where "id" in \(\?\)$/,
      /^delete from "moving" where "id" in \(\?\)$/,
    ],
    filed: [],
    parted: [/^alter table "parted" drop partition "a"$/, /^alter table "parted" drop partition "b"$/],
  },
};
for (const of of Object.values(shown))
  of['filed'] = [
    /^select .* as line from "filed" where .*"at" < /,
    /^select .* as line from "filed" where "(row)?id" in \(.*"at" < /,
    /^delete from "filed" where "(row)?id" in \(/,
  ];

for (const { title, dialect, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`the statements that a plan shows, on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    let directory: string;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'dotmac-shown-'));
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
      const run = (statement: string) => sql.raw(statement).execute(database.kysely);
      for (const table of ['plain', 'moving', 'moved', 'filed'])
        await run(`create table ${table} (id bigint primary key, at bigint not null)`);
      for (const statement of partitioned[dialect]) await run(statement);
      // One of each is due.
      for (const table of ['plain', 'moving', 'filed', ...(dialect === 'sqlite' ? [] : ['parted'])])
        await run(`insert into ${table} values (1, ${old}), (2, ${now}), (3, ${now})`);
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
      await rm(directory, { recursive: true });
    });

    it('are those that are executed when it is applied: moves as moves, and partitions dropped', async () => {
      const executed: string[] = [];
      const compiled = new WeakMap<object, string>();
      const plainly = (text: string): string => text.replaceAll('`', '"').replaceAll(/\s+/g, ' ').trim();
      const listening = (kysely: Kysely<unknown>) =>
        kysely.withPlugin({
          transformQuery({ node, queryId }) {
            compiled.set(queryId, plainly(kysely.getExecutor().compileQuery(node, queryId).sql));
            return node;
          },
          transformResult({ result, queryId }) {
            executed.push(compiled.get(queryId) ?? expect.unreachable());
            return Promise.resolve(result);
          },
        });
      const policy = (table: string, more: Partial<RetentionPolicy> = {}): RetentionPolicy => ({
        ...{ name: table, database: 'main', table, timeColumn: 'at', retentionDays: 30, allowFullScan: true, ...more },
      });
      const { plans } = createMaintenance({
        store: memoryMaintenanceStore(),
        databases: { main: { ...database, kysely: listening(database.kysely) } },
        retention: [
          policy('plain'),
          policy('moving', { archive: { table: 'moved' } }),
          policy('filed', { archive: { directory } }),
          ...(dialect === 'sqlite' ? [] : [policy('parted')]),
        ],
        clock,
        startScheduler: false,
      }).scope({ tenantId: 'acme' });

      const { id, plan } = await plans.create({ maintenanceType: 'database_cleanup', parameters: {} });
      const found = Object.fromEntries(
        plan.targets.map(({ target, statements }) => [target.replace('table:main.', ''), statements]),
      );
      const texts = (name: string) => (found[name] ?? []).map((it) => plainly(it.sql));
      for (const [name, patterns] of Object.entries(shown[dialect])) {
        expect(texts(name), name).toEqual(patterns.map((it) => expect.stringMatching(it) as string));
        for (const { explain } of found[name] ?? []) expect(explain.length > 0, name).toBe(name !== 'parted');
      }
      executed.length = 0;
      expect(await plans.apply(id)).toMatchObject({ status: 'completed', itemsCleaned: dialect === 'sqlite' ? 3 : 4 });
      for (const name of Object.keys(shown[dialect]))
        expect(executed.filter((it) => texts(name).includes(it))).toEqual(texts(name));
    });
  });
