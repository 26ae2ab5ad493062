import { sql, type ControlledTransaction, type Transaction } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  databaseFromUrl,
  fromJson,
  fromKysely,
  inTransaction,
  insertedCount,
  isUniqueViolation,
  kyselyLeases,
  coreMigrations,
  checkMigrated,
  migrate,
  onConflictDoNothing,
  toJson,
  upsert,
  type Database,
} from '../../src/kysely/index.js';
import { counterMigrations, row, type Tables } from '../support/counters.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

for (const { present, fresh: createFresh, title, dialect } of dialects)
  describe.skipIf(!present)(`database on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    let other: Database;
    const counterOf = async (name: string) =>
      database.withTables<Tables>().selectFrom('counters').selectAll().where('name', '=', name).executeTakeFirst();

    beforeAll(async () => {
      fresh = await createFresh();
      [database, other] = [databaseFromUrl(fresh.url), databaseFromUrl(fresh.url)];
      await migrate(database, counterMigrations);
    });
    afterAll(async () => {
      await Promise.all([database.close(), other.close()]);
      await fresh.drop();
    });

    it('migrates once when eight instances start at the same moment', async () => {
      const instances = Array.from({ length: 8 }, () => databaseFromUrl(fresh.url));
      const applied = await Promise.all(instances.map((instance) => migrate(instance, coreMigrations)));
      expect(applied.flat().sort()).toEqual(Object.keys(coreMigrations.migrations));
      expect(await migrate(database, coreMigrations)).toEqual([]);
      await Promise.all(instances.map((instance) => instance.close()));
    });

    it('refuses a schema that a newer version has migrated', async () => {
      const none = () => Promise.resolve();
      await migrate(database, { module: 'future', migrations: { '0001-first': none, '0002-more': none } });
      await expect(migrate(other, { module: 'future', migrations: { '0001-first': none } })).rejects.toMatchObject({
        code: 'SCHEMA_TOO_NEW',
        details: { module: 'future', migration: '0002-more' },
      });
    });

    it('tells who does not migrate of a schema that is older, newer, or as it is to be', async () => {
      const none = () => Promise.resolve();
      const [first, second] = [{ '0001-first': none }, { '0001-first': none, '0002-second': none }];
      const check = (migrations: typeof first) => checkMigrated(other, { module: 'apart', migrations });
      const tooOld = { code: 'SCHEMA_TOO_OLD', details: { module: 'apart', migration: '0001-first' } };
      await expect(check(first)).rejects.toMatchObject(tooOld);
      await migrate(database, { module: 'apart', migrations: first });
      await expect(check(first)).resolves.toBeUndefined();
      await expect(check(second)).rejects.toMatchObject({ ...tooOld, details: { migration: '0002-second' } });
      await migrate(database, { module: 'apart', migrations: second });
      await expect(check(first)).rejects.toMatchObject({
        code: 'SCHEMA_TOO_NEW',
        details: { module: 'apart', migration: '0002-second' },
      });
    });

    it('says what went wrong in a migration, and can be tried again', async () => {
      let sound = false;
      const step = () => (sound ? Promise.resolve() : Promise.reject(new Error('half way')));
      const failing = { module: 'failing', migrations: { '0001-step': step } };
      await expect(migrate(database, failing)).rejects.toThrow('half way');
      sound = true;
      expect(await migrate(database, failing)).toEqual(['0001-step']);
    });

    it('keeps counts exact when many transactions read and then write one row', async () => {
      await database.withTables<Tables>().insertInto('counters').values(row('race', 0)).execute();
      const add = (on: Database) =>
        inTransaction(on, undefined, async (trx: Transaction<Tables>) => {
          const locked = trx.selectFrom('counters').select('n').where('name', '=', 'race');
          const { n } = await (dialect === 'sqlite' ? locked : locked.forUpdate()).executeTakeFirstOrThrow();
          await new Promise((resolve) => setImmediate(resolve));
          await trx
            .updateTable('counters')
            .set({ n: Number(n) + 1 })
            .where('name', '=', 'race')
            .execute();
        });
      await Promise.all(Array.from({ length: 40 }, (_, index) => add(index % 2 === 0 ? database : other)));
      expect(await counterOf('race')).toMatchObject({ n: 40 });
    });

    it('joins the transaction it is given, and tells of the commit of those it opened', async () => {
      const told: string[] = [];
      const undone = inTransaction(database, undefined, async (outer: Transaction<Tables>) => {
        database.afterCommit(outer, () => told.push('undone'));
        await inTransaction(database, outer, async (trx: Transaction<Tables>) => {
          await trx.insertInto('counters').values(row('joined', 1)).execute();
          database.afterCommit(trx, () => told.push('undone'));
        });
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
      expect(await counterOf('joined')).toBeUndefined();
      await inTransaction(database, undefined, (trx) => {
        expect(database.afterCommit(trx, () => told.push('done'))).toBe(true);
        return inTransaction(database, trx, (joined) => {
          expect(database.afterCommit(joined, () => told.push('done too'))).toBe(true);
          return Promise.resolve();
        });
      });
      await database.kysely.transaction().execute((trx) => {
        expect(database.afterCommit(trx, () => told.push('never'))).toBe(false);
        return Promise.resolve();
      });
      expect(told).toEqual(['done', 'done too']);
      await expect(inTransaction(database, { isTransaction: true }, () => Promise.resolve())).rejects.toThrow(
        TypeError,
      );
    });

    // SQLite has answered each statement before anybody can give up.
    for (const atOnce of dialect === 'sqlite' ? [] : [false, true])
      it(`takes nothing more once its work was given up, ${atOnce ? 'of what waits for its turn' : 'of what comes after'}`, async () => {
        const name = `given up, ${atOnce}`;
        await database.withTables<Tables>().insertInto('counters').values(row(name, 0)).execute();
        const turn = () => new Promise((resolve) => setImmediate(resolve));
        const change = (trx: Transaction<Tables>, n: number) =>
          trx.updateTable('counters').set({ n }).where('name', '=', name).execute();
        let handler: Promise<unknown> | undefined;
        let undone: Promise<unknown> = Promise.resolve();
        const giveUp = async () => {
          undone = inTransaction(database, undefined, async (trx: Transaction<Tables>) => {
            const more = () =>
              trx
                .insertInto('counters')
                .values(row(`${name}, late`, 1))
                .execute();
            handler = (atOnce ? Promise.all([change(trx, 1), more()]) : change(trx, 1).then(more)).catch(
              () => 'refused',
            );
            await turn();
            throw new Error('given up');
          });
          undone.catch(() => undefined);
          for (let turns = 0; turns < 20; turns++) await turn();
        };
        // Another's lock holds the first statement at the server until the transaction has been told to roll back.
        await inTransaction(other, undefined, (holder: Transaction<Tables>) => change(holder, 2).then(giveUp));
        await expect(undone).rejects.toThrow('given up');
        await handler;
        expect(await counterOf(`${name}, late`)).toBeUndefined();
        expect((await counterOf(name))?.n).not.toBe(1);
      });

    it('leaves a transaction that a host controls its savepoints', async () => {
      const host = await database.withTables<Tables>().startTransaction().execute();
      const joined = (work: (trx: Transaction<Tables>) => Promise<void>) =>
        inTransaction(database, host, (trx: Transaction<Tables>) => inTransaction(database, trx, work));
      await joined(async (trx) => {
        const saved = await (trx as ControlledTransaction<Tables>).savepoint('before').execute();
        await trx.insertInto('counters').values(row('saved', 1)).execute();
        await saved.rollbackToSavepoint('before').execute();
      });
      await host.commit().execute();
      expect(await counterOf('saved')).toBeUndefined();
    });

    it('refuses what a host says to it after its work, and reads its schema meanwhile', async () => {
      let kept: Transaction<Tables> | undefined;
      await inTransaction(database, undefined, async (trx: Transaction<Tables>) => {
        kept = trx;
        expect((await trx.introspection.getTables()).map(({ name }) => name)).toContain('counters');
        expect(trx.isTransaction).toBe(true);
      });
      await expect(kept?.selectFrom('counters').selectAll().execute()).rejects.toThrow();
      await database.kysely.transaction().execute(async (host) => {
        await inTransaction(database, host, (trx: Transaction<Tables>) => Promise.resolve(void (kept = trx)));
        await expect(kept?.selectFrom('counters').selectAll().execute()).rejects.toThrow('This transaction has ended');
        expect((await sql`select 1`.execute(host)).rows).toHaveLength(1);
      });
    });

    it('runs a transaction anew after a deadlock, boundedly, and nothing after other errors', async () => {
      let runs = 0;
      const deadlock = Object.assign(new Error('deadlock'), { code: '40P01' });
      const flaky = (times: number) =>
        inTransaction(database, undefined, () => (++runs <= times ? Promise.reject(deadlock) : Promise.resolve(runs)));
      expect(await flaky(2)).toBe(3);
      runs = 0;
      await expect(flaky(100)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: deadlock });
      expect(runs).toBe(10);
      runs = 0;
      await expect(
        inTransaction(database, undefined, () => Promise.reject(new Error(`run ${++runs}`))),
      ).rejects.toThrow('run 1');
    });

    it('merges, skips and refuses rows that are there already', async () => {
      const kysely = database.withTables<Tables>();
      const merge = (rows: Tables['counters'][]) =>
        upsert(database, kysely.insertInto('counters').values(rows), ['name'], {
          n: 'add',
          best: 'greatest',
          info: 'replace',
        }).execute();
      await merge([row('m1', 1, 5), { ...row('m2', 2, 5), info: toJson({ a: ['ß'] }) }]);
      await merge([row('m1', 10, 9), { ...row('m2', 20, 3), info: toJson({ b: '2' }) }]);
      expect(await counterOf('m1')).toEqual({ name: 'm1', n: 11, best: 9, info: null });
      const second = await counterOf('m2');
      expect([second?.n, second?.best, fromJson(second?.info)]).toEqual([22, 5, { b: '2' }]);
      const skipping = onConflictDoNothing(
        database,
        kysely.insertInto('counters').values([row('m1', 99), row('M1', 1)]),
      );
      expect(insertedCount(await skipping.execute())).toBe(1);
      expect(await counterOf('m1')).toMatchObject({ n: 11 });
      const refused = await kysely
        .insertInto('counters')
        .values(row('m1', 0))
        .execute()
        .catch((error: unknown) => error);
      expect(isUniqueViolation(refused)).toBe(true);
    });

    it('gives counts, sums and times as numbers, and its clock in epoch ms', async () => {
      const kysely = database.withTables<Tables>();
      const before = Date.now();
      const { count, now } = await kysely
        .selectFrom('counters')
        .select(({ fn }) => [
          fn.countAll<number>().as('count'),
          fn.sum<number>('n').as('sum'),
          database.traits.now.as('now'),
        ])
        .executeTakeFirstOrThrow();
      expect([typeof count, typeof now]).toEqual(['number', 'number']);
      // Give or take what separates the clocks of two machines.
      expect(now).toBeGreaterThan(before - 5_000);
      expect(now).toBeLessThan(Date.now() + 5_000);
    });

    it('judges leases by its own clock, whatever the clocks of the processes say', async () => {
      const [ours, theirs] = [kyselyLeases(database), kyselyLeases(other)];
      expect(await ours.acquire('real', 'a', 60_000)).toEqual({ fence: 1 });
      expect(await theirs.acquire('real', 'b', 60_000)).toBeNull();
      expect(await ours.renew('real', 'a', 1, -1)).toBe(true);
      expect(await theirs.acquire('real', 'b', 60_000)).toEqual({ fence: 2 });
    });

    it('uses a Kysely instance of the host without closing it', async () => {
      const hosted = fromKysely(database.withTables<Tables>(), dialect);
      expect(await inTransaction(hosted, undefined, () => Promise.resolve('worked'))).toBe('worked');
      await hosted.close();
      expect((await sql`select 1`.execute(database.kysely)).rows).toHaveLength(1);
    });
  });
