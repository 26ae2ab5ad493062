import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { available, freshMysql, freshPostgres } from '../../../../test/support/services.js';
import { kyselyLifecycleStore } from '../../src/store/kysely/index.js';
import { freshSqlite } from '../support/backends.js';
import { until } from '../support/lifecycle.js';

const databases = [
  { title: 'SQLite', present: true, fresh: freshSqlite },
  { title: 'PostgreSQL', present: available.postgres, fresh: freshPostgres },
  { title: 'MariaDB', present: available.mysql, fresh: freshMysql },
];

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/crash-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

for (const { title, present, fresh } of databases)
  describe.skipIf(!present)(`a process killed in the middle of a step on ${title}`, () => {
    it('leaves a run that another takes up at that step, under the same idempotency key', async () => {
      const { url, drop } = await fresh();
      const ledger = join(worker.folder, `${title}.ndjson`);
      const lines = (): { turn: string; key: string; idempotencyKey: string }[] =>
        existsSync(ledger)
          ? readFileSync(ledger, 'utf8')
              .split('\n')
              .filter(Boolean)
              .map((line) => JSON.parse(line) as never)
          : [];
      const start = (turn: string): ChildProcess =>
        spawn(process.execPath, [worker.path, url, ledger, turn], {
          stdio: ['ignore', 'inherit', 'inherit'],
        });

      const first = start('first');
      await until(() => lines().some(({ key }) => key === 'account'));
      first.kill('SIGKILL');
      await once(first, 'exit');
      const database = databaseFromUrl(url);
      // As if its time had passed: one so short that a test can wait for it would be lost by who lives, too.
      await sql`update dotmac_service_runs set lease_until = 0`.execute(database.kysely);
      const second = start('second');
      expect((await once(second, 'exit'))[0]).toBe(0);

      const told = lines();
      const [account] = told.filter(({ key }) => key === 'account');
      expect(told.map(({ turn, key }) => `${turn} ${key}`)).toEqual([
        'first port',
        'first account',
        'second account',
        'second mail',
      ]);
      expect(told[2]?.idempotencyKey).toBe(account?.idempotencyKey);
      const [runId = ''] = account?.idempotencyKey.split(':') ?? [];
      const run = await kyselyLifecycleStore(database).tenant('acme').runs.get(runId);
      expect(run).toMatchObject({ status: 'completed', nextAt: null });
      expect(run?.steps.map(({ attempts, failures, output }) => [attempts, failures, output])).toEqual([
        [1, 0, { turn: 'first' }],
        [2, 0, { turn: 'second' }],
        [1, 0, { turn: 'second' }],
      ]);
      await database.close();
      await drop();
    });
  });
