import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLifecycle } from '../../src/lifecycle.js';
import type { LifecycleScope } from '../../src/scope.js';
import type { LifecycleOptions } from '../../src/options.js';
import type { LifecycleStore } from '../../src/store/store.js';
import { backends, takesTurns, type Backend } from '../support/backends.js';
import { rig, someone, until, type Rig } from '../support/lifecycle.js';

const secret = 'a secret of more than 32 characters, for tests';
const key = { idempotencyKey: 'k' };

/** A store in which something happens once, after somebody has looked whether a key has an answer. */
function afterLooking(store: LifecycleStore, happen: () => Promise<unknown>): LifecycleStore {
  let isFirst = true;
  return {
    ...store,
    tenant: (tenantId) =>
      new Proxy(store.tenant(tenantId), {
        get(tenant, name) {
          if (name !== 'answers') return Reflect.get(tenant, name) as unknown;
          const { answers } = tenant;
          const find: typeof answers.find = async (...asked) => {
            const kept = await answers.find(...asked);
            const isTime = isFirst;
            isFirst = false;
            if (isTime) await happen();
            return kept;
          };
          return { ...answers, find };
        },
      }),
  };
}

for (const { title, present, create } of backends)
  describe.skipIf(!present)(`who is overtaken under an idempotency key, on ${title}`, () => {
    let backend: Backend;
    let run: Rig;
    beforeEach(async () => {
      backend = await create();
      run = await rig(backend);
    });
    afterEach(async () => {
      await run.stop();
      await backend.close();
    });

    /** Another process on the same store. */
    const elsewhere = (store: LifecycleStore, options: Partial<LifecycleOptions> = {}): LifecycleScope =>
      createLifecycle({ store, clock: run.clock, secret, ...options }).scope({ tenantId: 'acme', actor: 'user:1' });
    /** What is answered to who looked just before another was served. */
    const bothOf = async <Answer>(give: (scope: LifecycleScope) => Promise<Answer>): Promise<[Answer, Answer]> => {
      let first: Answer | undefined;
      const store = afterLooking(backend.store, async () => (first = await give(run.acme)));
      const late = await give(elsewhere(store));
      return [first ?? expect.unreachable(), late];
    };
    const newcomer = async (): Promise<{ id: string; verificationToken: string }> => {
      const { id } = await run.acme.customers.register(someone());
      return { id, verificationToken: await run.token(id) };
    };
    const verify = (scope: LifecycleScope, id: string, verificationToken: string, options = {}) =>
      scope.verification.verify(id, { verificationToken, verificationType: 'email' }, options);

    it('is answered as the others are, however many give one token at once', async () => {
      const { id, verificationToken } = await newcomer();
      const racers = Array.from({ length: 20 }, () => verify(run.acme, id, verificationToken, key));
      const answers = await Promise.all(racers);
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(answers[0]).toMatchObject({ lifecycleStage: 'verification' });
      const { items } = await run.acme.feed.history(id, { types: ['customer.verified'] });
      expect(items).toHaveLength(1);
      await expect(verify(run.acme, id, verificationToken)).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    });

    it('is answered as the first was, whose token was used up by it', async () => {
      const { id, verificationToken } = await newcomer();
      const [first, late] = await bothOf((scope) => verify(scope, id, verificationToken, key));
      expect(late).toEqual(first);
    });

    it('is answered as the others are in transactions of the host’s, too, however many give one token at once', async () => {
      const { id, verificationToken } = await newcomer();
      const answers: unknown[] = [];
      const racers = Array.from({ length: 8 }, () =>
        backend.store
          .transaction((trx) => verify(run.acme, id, verificationToken, { ...key, trx }))
          .then(
            (answer) => answers.push(JSON.stringify(answer)),
            (error: unknown) => answers.push(error),
          ),
      );
      // Who waits for a lock of another's is counted by the clock.
      await until(() => answers.length === racers.length, run.clock);
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toContain('"lifecycleStage":"verification"');
    });

    // Where they take turns, nobody else comes in while a transaction is open.
    const betweenOthers = takesTurns.has(title) ? [] : ['a transaction of the host’s'];
    it.each(betweenOthers)('is answered as the first was in %s, whose token was used up by it', async () => {
      const { id, verificationToken } = await newcomer();
      let first: unknown;
      const store = afterLooking(backend.store, async () => {
        first = await verify(run.acme, id, verificationToken, key);
      });
      const late = await store.transaction((trx) => verify(elsewhere(store), id, verificationToken, { ...key, trx }));
      expect(late).toEqual(first);
    });

    it('is refused in a transaction of the host’s as often as others are, where the token is wrong', async () => {
      const { id, verificationToken } = await newcomer();
      const give = (token: string, name: string) =>
        backend.store
          .transaction(async (trx) => {
            await verify(run.acme, id, token, { idempotencyKey: name, trx });
          })
          .then(
            () => 'done',
            (error: { code?: string }) => error.code,
          );
      for (let guess = 0; guess < 5; guess++) {
        expect(await give('wrong', `k${guess}`)).toBe('VERIFICATION_FAILED');
        await until(async () => (await backend.store.tenant('acme').tokens.get(id, 'email'))?.attempts === guess + 1);
      }
      expect(await give(verificationToken, 'k')).toBe('VERIFICATION_LOCKED');
    });

    it('is answered as the first was, which had the last place, or began what was listed', async () => {
      const input = { actionType: 'move' };
      const draft = { command: 'suspend', input, filter: { listed: true }, dryRun: false } as const;
      const listed: string[] = [];
      for (let open = 0; open < 19; open++) listed.push((await run.acme.bulk.start(draft)).id);
      const [last, another] = await bothOf(({ bulk }) => bulk.start(draft, key));
      expect(another).toEqual(last);
      const [id = expect.unreachable()] = listed;
      const [begun, again] = await bothOf(({ bulk }) => bulk.run(id, key));
      expect(again).toEqual(begun);
    });

    it('guesses no more often than others do', async () => {
      const { id, verificationToken } = await newcomer();
      for (let guess = 0; guess < 5; guess++)
        await expect(verify(run.acme, id, 'wrong', { idempotencyKey: `k${guess}` })).rejects.toMatchObject({
          code: 'VERIFICATION_FAILED',
        });
      await expect(verify(run.acme, id, verificationToken, key)).rejects.toMatchObject({ code: 'VERIFICATION_LOCKED' });
    });

    it('guesses no more often than others do, however many guess at once', async () => {
      const { id, verificationToken } = await newcomer();
      const guesses = Array.from({ length: 15 }, (_, guess) => (guess === 7 ? verificationToken : `wrong-${guess}`));
      const answers = await Promise.all(
        guesses.map((token, guess) =>
          verify(run.acme, id, token, { idempotencyKey: `k${guess}` }).then(
            () => 'done',
            ({ code }: { code: string }) => code,
          ),
        ),
      );
      const judged = answers.filter((answer) => answer === 'VERIFICATION_FAILED' || answer === 'done');
      expect(judged.length).toBeGreaterThan(0);
      expect(judged.length).toBeLessThanOrEqual(5);
    });

    it('was counted before its hooks are asked, and is locked by no guesses that are made meanwhile', async () => {
      const { id, verificationToken } = await newcomer();
      const before = async (): Promise<void> => {
        for (let guess = 0; guess < 4; guess++)
          await expect(verify(run.acme, id, 'wrong')).rejects.toMatchObject({ code: 'VERIFICATION_FAILED' });
        await expect(verify(run.acme, id, verificationToken)).rejects.toMatchObject({ code: 'VERIFICATION_LOCKED' });
      };
      const scope = elsewhere(backend.store, { hooks: { 'customer.verify': { before } } });
      expect(await verify(scope, id, verificationToken, key)).toMatchObject({ lifecycleStage: 'verification' });
    });
  });
