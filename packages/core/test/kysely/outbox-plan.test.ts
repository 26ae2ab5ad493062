import { CompiledQuery, type KyselyPlugin } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coreMigrations, databaseFromUrl, fromKysely, kyselyOutbox, migrate } from '../../src/kysely/index.js';
import type { Database } from '../../src/kysely/index.js';
import { newId } from '../../src/ids.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const explain = { sqlite: 'explain query plan', mysql: 'explain' } as const;

for (const { dialect, present, fresh: createFresh, title } of dialects)
  // PostgreSQL chooses by what it knows of the table, which is little here.
  if (dialect !== 'postgres')
    describe.skipIf(!present)(`a claim on ${title}`, () => {
      let fresh: FreshDatabase;
      let database: Database;
      beforeAll(async () => {
        fresh = await createFresh();
        database = databaseFromUrl(fresh.url);
        await migrate(database, coreMigrations);
      });
      afterAll(async () => {
        await database.close();
        await fresh.drop();
      });

      it('takes what is due in the order of an index, and sorts nothing, however much is due', async () => {
        const { kysely } = database;
        const asked: CompiledQuery[] = [];
        const listening: KyselyPlugin = {
          transformQuery({ node, queryId }) {
            asked.push(kysely.getExecutor().compileQuery(node, queryId));
            return node;
          },
          transformResult: ({ result }) => Promise.resolve(result),
        };
        const outbox = kyselyOutbox(fromKysely(kysely.withPlugin(listening), dialect), { queue: 'test' });
        const event = { name: 'thing.changed', at: 1, tenantId: 'acme', actor: 'system', data: {} };
        await outbox.append(
          Array.from({ length: 2_000 }, (_, n) => ({
            subscriber: 'mail',
            event: { ...event, id: newId(), subject: `s${n}` },
          })),
        );
        expect(await outbox.claim({ subscribers: ['mail'], limit: 10, leaseMs: 1_000 })).toHaveLength(10);
        const claim = asked.find(({ sql }) => /^select .* limit /s.test(sql));
        const plan = CompiledQuery.raw(`${explain[dialect]} ${claim?.sql}`, [...(claim?.parameters ?? [])]);
        expect(JSON.stringify((await kysely.executeQuery(plan)).rows)).toContain('dotmac_outbox_next');
        expect(JSON.stringify((await kysely.executeQuery(plan)).rows)).not.toMatch(/filesort|TEMP B-TREE/);
      });
    });
