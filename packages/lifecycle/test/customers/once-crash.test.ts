import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { createLifecycle } from '../../src/lifecycle.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { freshSqlite } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { someone, until } from '../support/lifecycle.js';
import { suspendOverHttp } from '../support/over-http.js';

const databases = [
  { title: 'SQLite', present: true, fresh: freshSqlite },
  { title: 'PostgreSQL', present: available.postgres, fresh: freshPostgres },
  { title: 'MariaDB', present: available.mysql, fresh: freshMysql },
];

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/answering-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

for (const { title, present, fresh } of databases)
  describe.skipIf(!present)(`a process that dies after it committed a command, before it answered, on ${title}`, () => {
    const secret = 'a secret of more than 32 characters, for tests';
    const freshStore = async () => {
      const { url, drop } = await fresh();
      const database = databaseFromUrl(url);
      onTestFinished(async () => {
        await database.close();
        await drop();
      });
      const store = kyselyLifecycleStore(database);
      await store.migrate();
      return { url, store };
    };
    const dies = async (...args: string[]): Promise<void> => {
      const dying = spawn(process.execPath, [worker.path, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
      expect(await once(dying, 'exit')).toEqual([null, 'SIGKILL']);
    };
    const crashed = async (way: 'code' | 'http' | 'bulk') => {
      const { url, store } = await freshStore();
      const [customer] = await crowd(store, 1);
      const id = customer?.id ?? '';
      await dies(url, id, way);
      const lifecycle = createLifecycle({ store, secret });
      const events = async () =>
        (await store.tenant('acme').history.list(id, { limit: 9 })).map(({ event }) => event.name);
      return { id, lifecycle, events, diedAt: Date.now() };
    };

    it('leaves the answer for who asks again under its key, and nothing happens twice', async () => {
      const { id, lifecycle, events, diedAt } = await crashed('code');
      const { suspension } = lifecycle.scope({ tenantId: 'acme', actor: 'user:7' });
      let isReplayed = false;
      const options = { idempotencyKey: 'retried', onReplay: () => (isReplayed = true) };
      const answer = await suspension.suspend(id, { actionType: 'non_payment' }, options);
      expect(answer).toMatchObject({ id, status: 'suspended' });
      expect(answer.timestamp).toBeLessThanOrEqual(diedAt);
      expect(isReplayed).toBe(true);
      expect(await events()).toEqual(['customer.registered', 'customer.suspended']);
      const keyless = suspension.suspend(id, { actionType: 'non_payment' });
      await expect(keyless).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    });

    it('leaves an attempt at verification counted, which is the same one when it is made again under its key', async () => {
      const { url, store } = await freshStore();
      const sent: string[] = [];
      const lifecycle = createLifecycle({ store, secret, sendVerification: ({ token }) => void sent.push(token) });
      onTestFinished(() => lifecycle.stop());
      await lifecycle.start();
      const { customers, verification } = lifecycle.scope({ tenantId: 'acme', actor: 'user:7' });
      const { id } = await customers.register(someone());
      await until(() => sent.length > 0);
      const [verificationToken = ''] = sent;
      const counted = async () => (await store.tenant('acme').tokens.get(id, 'email'))?.attempts;
      await dies(url, id, 'verify', verificationToken);
      expect([await counted(), (await customers.get(id)).lifecycleStage]).toEqual([1, 'registration']);
      const draft = { verificationToken };
      const answer = await verification.verify(id, draft, { idempotencyKey: 'retried' });
      expect([await counted(), answer.lifecycleStage]).toEqual([1, 'verification']);
      expect(await verification.verify(id, draft, { idempotencyKey: 'retried' })).toEqual(answer);
    });

    it('leaves an operation on many that was begun, and no second one', async () => {
      const { id, lifecycle, events } = await crashed('bulk');
      const { bulk } = lifecycle.scope({ tenantId: 'acme', actor: 'user:7' });
      const left = (await bulk.operations()).items;
      expect(left).toEqual([expect.objectContaining({ command: 'suspend', status: 'pending' })]);
      let isReplayed = false;
      const answer = await bulk.start(
        { command: 'suspend', input: { actionType: 'non_payment' }, filter: {} },
        { idempotencyKey: 'retried', onReplay: () => (isReplayed = true) },
      );
      expect([answer, isReplayed]).toEqual([left[0], true]);
      expect(await bulk.operations()).toMatchObject({ items: left });
      expect(await events()).toEqual(['customer.registered']);
      expect(id).not.toBe('');
    });

    it('leaves it likewise for who asks again over HTTP, at once', async () => {
      const { id, lifecycle, events, diedAt } = await crashed('http');
      const answers = await Promise.all(Array.from({ length: 5 }, () => suspendOverHttp(lifecycle, id, 'retried')));
      for (const { status, headers, body } of answers) {
        expect([status, headers['idempotency-replayed']]).toEqual([200, 'true']);
        expect(body).toBe(answers[0]?.body);
        const { timestamp } = JSON.parse(String(body)) as { timestamp: string };
        expect(Date.parse(timestamp)).toBeLessThanOrEqual(diedAt);
      }
      expect(await events()).toEqual(['customer.registered', 'customer.suspended']);
    });
  });
