import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { backends } from '../support/backends.js';
import { crowd } from '../support/crowd.js';
import { until } from '../support/lifecycle.js';

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/crowd-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

interface Line {
  requested?: string;
  idempotencyKey?: string;
}

for (const { title, present, create } of backends.filter((it) => it.title !== 'memory'))
  describe.skipIf(!present)(`a process killed while it sets up many services on ${title}`, () => {
    it('leaves each of them as far as it was: another finishes all of them, each once, and calls nothing unsaid', async () => {
      const { store, url = '', close } = await create();
      const people = await crowd(store, 20);
      const { runs, services, history } = store.tenant('acme');
      const ledger = join(worker.folder, `${title}.ndjson`);
      const lines = (): Line[] =>
        existsSync(ledger)
          ? readFileSync(ledger, 'utf8')
              .split('\n')
              .filter(Boolean)
              .map((line) => JSON.parse(line) as Line)
          : [];
      const start = (...args: string[]): ChildProcess =>
        spawn(process.execPath, [worker.path, url, ledger, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });

      const first = start(...people.map(({ id }) => id));
      await until(() => lines().filter(({ idempotencyKey }) => idempotencyKey).length > 30);
      first.kill('SIGKILL');
      await once(first, 'exit');
      const second = start();
      await until(async () => Object.keys(await services.countByStatus()).join() === 'active');
      second.kill('SIGKILL');
      await once(second, 'exit');

      const told = lines();
      const answered = told.flatMap(({ requested }) => requested ?? []);
      const { items } = await runs.list({ limit: 100 });
      expect(items.map(({ id }) => id)).toEqual(expect.arrayContaining(answered));
      for (const { id, customerId, status, steps } of items) {
        expect(status).toBe('completed');
        for (const { key, attempts } of steps) {
          const calls = told.filter(({ idempotencyKey }) => idempotencyKey === `${id}:${key}`);
          expect(calls.length).toBeGreaterThanOrEqual(1);
          expect(calls.length).toBeLessThanOrEqual(attempts);
        }
        const entries = await history.list(customerId, { limit: 10 });
        expect(entries.map(({ seq, event }) => [seq, event.name])).toEqual([
          [1, 'customer.registered'],
          [2, 'service.requested'],
          [3, 'service.provisioned'],
        ]);
      }
      await close();
    }, 60_000);
  });
