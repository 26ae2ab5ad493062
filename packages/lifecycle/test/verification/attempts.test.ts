import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoreTransaction } from '@dotmac/core';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { createLifecycle } from '../../src/lifecycle.js';
import type { LifecycleOptions } from '../../src/options.js';
import type { LifecycleScope } from '../../src/scope.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { backends, takesTurns, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const secret = 'a secret of more than 32 characters, for tests';
const key = { idempotencyKey: 'k' };
const undo = new Error('undone on purpose');
const [failed, locked] = ['VERIFICATION_FAILED', 'VERIFICATION_LOCKED'];

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`an attempt at verification on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    let id: string;
    let right: string;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend);
      ({ id } = await run.acme.customers.register(someone()));
      right = await run.token(id);
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    const counted = async () => (await backend.store.tenant('acme').tokens.get(id, 'email'))?.attempts;
    const verify = (token: string, options = {}, scope = run.acme) =>
      scope.verification.verify(id, { verificationToken: token, verificationType: 'email' }, options);
    /** What comes of it: `done`, or the code of its refusal. */
    const outcome = (token: string, options = {}) =>
      verify(token, options).then(
        () => 'done',
        ({ code }: { code: string }) => code,
      );
    /** The same customers, with hooks of another process. */
    const hooked = <Trx>(hooks: LifecycleOptions<Trx>['hooks']): LifecycleScope =>
      createLifecycle<Trx>({ store: backend.store, clock: run.clock, secret, ...(hooks && { hooks }) }).scope({
        tenantId: 'acme',
        actor: 'user:1',
      });
    /** In a transaction of the host's; the clock goes on for those who wait by it. */
    const inHosts = async <Result>(
      work: (trx: StoreTransaction) => Promise<Result>,
      { rollBack = false } = {},
      store = backend.store,
    ): Promise<Result> => {
      let result: Result | undefined;
      let isOver = false;
      const done = store
        .transaction(async (trx) => {
          result = await work(trx);
          if (rollBack) throw undo;
        })
        .catch((error: unknown) => (error === undo ? undefined : Promise.reject(error as Error)))
        .finally(() => (isOver = true));
      done.catch(() => undefined);
      await until(() => isOver, run.clock);
      await done;
      return result ?? expect.unreachable();
    };

    describe.each([
      { under: 'no key', options: {} },
      { under: 'a key', options: key },
    ])('under $under', ({ options }) => {
      it('is counted and committed before anything comes of it', async () => {
        const seen: unknown[] = [];
        const scope = hooked({ 'customer.verify': { before: async () => void seen.push(await counted()) } });
        await verify(right, options, scope);
        expect([seen, await counted()]).toEqual([[1], 1]);
      });

      it('stays counted, though the host’s transaction in which it was right is rolled back', async () => {
        await inHosts((trx) => verify(right, { ...options, trx }), { rollBack: true });
        await until(async () => (await counted()) === 1);
        expect(await run.acme.customers.get(id)).toMatchObject({ lifecycleStage: 'registration' });
      });

      it('is one, whose refusal the host swallows in a transaction that it commits', async () => {
        expect(await inHosts((trx) => outcome('wrong', { ...options, trx }))).toBe(failed);
        // Whatever is counted beside the transaction comes before this.
        await run.acme.customers.update(id, { lastName: 'Meanwhile' });
        expect(await counted()).toBe(1);
      });

      it('is one, and waits for nobody, where the host’s transaction has its customer and token locked', async () => {
        const { customers, tokens } = backend.store.tenant('acme');
        const work = async (trx: StoreTransaction) => {
          await customers.lock(id, trx);
          await tokens.get(id, 'email', trx);
          return outcome(right, { ...options, trx });
        };
        expect(await inHosts(work)).toBe('done');
        await run.acme.customers.update(id, { lastName: 'Meanwhile' });
        expect(await counted()).toBe(1);
      });
    });

    it('is one, however often a token is given under a key, and whatever cut it off before', async () => {
      expect([await outcome('wrong', key), await outcome('wrong', key)]).toEqual([failed, failed]);
      expect(await counted()).toBe(1);
      const dying = hooked({ 'customer.verify': { inTransaction: () => Promise.reject(new Error('cut off')) } });
      for (let time = 0; time < 9; time++) await expect(verify(right, key, dying)).rejects.toThrow();
      expect(await counted()).toBe(2);
      await inHosts((trx) => verify(right, { ...key, trx }), { rollBack: true });
      expect([await outcome(right, key), await counted()]).toEqual(['done', 2]);
    });

    it('is one of fifty racers under a key, though it is the last that is left', async () => {
      for (let guess = 0; guess < 4; guess++) expect(await outcome('wrong')).toBe(failed);
      const answers = await Promise.all(Array.from({ length: 50 }, () => verify(right, key)));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(await counted()).toBe(5);
      const { items } = await run.acme.feed.history(id, { types: ['customer.verified'] });
      expect(items).toHaveLength(1);
    });

    it('is another for every other token under the key, and for every other key or actor', async () => {
      const guesses: [string, string][] = [
        ['a', 'k'],
        ['b', 'k'],
        ['a', 'k'],
        ['a', 'l'],
      ];
      for (const [token, idempotencyKey] of guesses) expect(await outcome(token, { idempotencyKey })).toBe(failed);
      expect(await counted()).toBe(4);
      const other = run.module.scope({ tenantId: 'acme', actor: 'user:2' });
      await expect(verify('a', { idempotencyKey: 'l' }, other)).rejects.toMatchObject({ code: failed });
      expect([await outcome(right, key), await outcome('a', key)]).toEqual([locked, locked]);
    });

    it('is told nothing once it was one too many, though it is given again', async () => {
      for (let guess = 0; guess < 5; guess++) expect(await outcome('wrong')).toBe(failed);
      for (let time = 0; time < 3; time++) expect(await outcome(right, key)).toBe(locked);
      expect(await counted()).toBe(6);
    });

    it('is the first on a token that was sent since, also under the key of one on the token before', async () => {
      expect(await outcome('wrong', key)).toBe(failed);
      await run.acme.verification.resend(id);
      expect(await counted()).toBe(0);
      expect([await outcome('wrong', key), await counted()]).toEqual([failed, 1]);
    });

    it('is none, where it is a dry run', async () => {
      expect(await run.acme.commands.dryRun(id, { command: 'verify' })).toMatchObject({
        allowed: true,
        to: 'verification',
      });
      expect(await counted()).toBe(0);
    });

    it('leaves nothing of its token or key in the row, by which a code could be guessed elsewhere', async () => {
      await outcome('123456', key);
      const row = await backend.store.tenant('acme').tokens.get(id, 'email');
      const mark = row?.attemptMark ?? expect.unreachable();
      expect(mark).toMatch(/^[\w-]{43}$/);
      const elsewhere = createLifecycle({ store: backend.store, clock: run.clock, secret: `another ${secret}` });
      const scope = elsewhere.scope({ tenantId: 'acme', actor: 'user:1' });
      await expect(verify('123456', key, scope)).rejects.toMatchObject({ code: failed });
      expect((await backend.store.tenant('acme').tokens.get(id, 'email'))?.attemptMark).not.toBe(mark);
    });

    describe.each(takesTurns.has(title) ? [] : [title])('beside transactions of the host’s on %s', () => {
      it('is one of racers whose transactions hold every connection that there is', async () => {
        const database = databaseFromUrl(backend.url ?? '', { poolSize: 3 });
        const store = kyselyLifecycleStore(database, { clock: run.clock });
        const { verification } = createLifecycle({ store, clock: run.clock, secret }).scope({
          tenantId: 'acme',
          actor: 'user:1',
        });
        const draft = { verificationToken: right, verificationType: 'email' } as const;
        const racers = Array.from({ length: 6 }, () =>
          inHosts((trx) => verification.verify(id, draft, { ...key, trx }), {}, store),
        );
        const answers = await Promise.all(racers);
        expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
        await database.close();
        expect(await counted()).toBe(1);
      });

      it('is one whose connection was terminated before its outcome was committed', async () => {
        const kill = { postgres: sql`select pg_terminate_backend(pg_backend_pid())`, mysql: sql`kill connection_id()` };
        const dialect = backend.database?.dialect === 'postgres' ? 'postgres' : 'mysql';
        const dying = hooked<Parameters<(typeof kill)['mysql']['execute']>[0]>({
          'customer.verify': { inTransaction: async ({ trx }) => void (await kill[dialect].execute(trx)) },
        });
        await expect(verify(right, key, dying)).rejects.toThrow();
        expect(await counted()).toBe(1);
        expect([await outcome(right, key), await counted()]).toEqual(['done', 1]);
      });
    });

    describe.each(title === 'PostgreSQL' ? [title] : [])('on %s', () => {
      it('is refused to a transaction that reads as of before it, and let in to its retry under the key', async () => {
        const inRepeatableRead = () =>
          (backend.database ?? expect.unreachable()).kysely
            .transaction()
            .setIsolationLevel('repeatable read')
            .execute((trx) => verify(right, { ...key, trx: trx as never }));
        await expect(inRepeatableRead()).rejects.toThrow();
        expect(await inRepeatableRead()).toMatchObject({ lifecycleStage: 'verification' });
        expect(await counted()).toBe(1);
      });
    });
  });
