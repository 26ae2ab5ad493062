import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '@dotmac/core';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../test/support/bundle-worker.js';
import { isLong } from '../../../test/support/length.js';
import { available, freshMysql, freshPostgres } from '../../../test/support/services.js';
import { createLifecycle } from '../src/lifecycle.js';
import { kyselyLifecycleStore } from '../src/store/kysely/index.js';
import { freshSqlite } from './support/backends.js';
import { crowd } from './support/crowd.js';
import { heldUp, workerOptions } from './support/held-up.js';
import { until } from './support/lifecycle.js';
import { receiver } from './support/receiver.js';
import { allRows } from './support/traces.js';

const databases = [
  { title: 'SQLite', present: true, fresh: freshSqlite },
  { title: 'PostgreSQL', present: available.postgres, fresh: freshPostgres },
  { title: 'MariaDB', present: available.mysql, fresh: freshMysql },
];
/** Far enough ahead that every lease of those who were held up is over; they themselves know nothing of it. */
const later: Clock = { ...systemClock, now: () => systemClock.now() + 120_000 };

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('./support/held-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

let children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
});

for (const [index, { title, present, fresh }] of databases.entries())
  describe.skipIf(!present)(`a process held up past its lease, and gone on, on ${title}`, () => {
    it.each(heldUp)(
      'at $title writes nothing any more',
      async (work) => {
        const { url, drop } = await fresh();
        const database = databaseFromUrl(url);
        const store = kyselyLifecycleStore(database);
        const acme = store.tenant('acme');
        await store.migrate();
        // Asks, and does nothing itself.
        const host = createLifecycle({
          ...workerOptions,
          store,
          waker: { start: () => undefined, wake: () => undefined, stop: () => Promise.resolve() },
        });
        const scope = host.scope({ tenantId: 'acme', actor: 'user:1' });
        if (work.title.includes('webhook')) await scope.webhooks.create({ name: 'CRM', url: (await receiver()).url });
        const isTold = async () => {
          const rows = await allRows(database);
          return rows.get('dotmac_outbox')?.length === 0;
        };
        const isOver = async (customerId: string) => (await work.isOver(acme, customerId)) && (work.keys || isTold());

        const subjects: string[] = [];
        const heldAt: string[] = [];
        /** A process that is held up at a place; not at all, when there are fewer. */
        const holdUp = async (place: number): Promise<{ child: ChildProcess; isHeld: boolean; said: string }> => {
          const userType = `kind-${subjects.length}`;
          const [person] = await crowd(store, work.count ?? 1, { ...work.customers, userType });
          const { id } = person ?? expect.unreachable();
          subjects.push(id);
          await work.ask(scope, id, userType);
          const keys = (await work.keys?.(acme, id)) ?? [];
          const ledger = join(worker.folder, `${id}.txt`);
          const child = spawn(process.execPath, [worker.path, url, ledger, String(place), ...keys], {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          children.push(child);
          let said = '';
          child.stdout.on('data', (data) => (said += String(data)));
          const isGone = () => child.exitCode !== null;
          await until(async () => existsSync(ledger) || !!(await isOver(id)));
          // It may come to its place just now, and is told to end once it goes on.
          if (!existsSync(ledger)) child.kill('SIGTERM');
          await until(() => existsSync(ledger) || isGone());
          const isHeld = existsSync(ledger);
          if (isHeld) heldAt.push(readFileSync(ledger, 'utf8'));
          else expect(child.exitCode).toBe(0);
          await until(() => isHeld || child.stdout.readableEnded);
          return { child, isHeld, said };
        };

        const { said } = await holdUp(0);
        const count = Number(said);
        expect(count).toBeGreaterThanOrEqual(work.least);
        // Each place on one of the databases, where each has one; `npm run test:long` has each on all of them.
        const isShared = count >= databases.length && !isLong;
        const places = Array.from({ length: count }, (_, at) => at + 1);
        const chosen = isShared ? places.filter((at) => at % databases.length === index) : places;
        const held: ChildProcess[] = [];
        for (const place of chosen) {
          const { child, isHeld } = await holdUp(place);
          if (isHeld) held.push(child);
        }
        expect(held.length).toBeGreaterThan(0);

        const survivor = createLifecycle({
          ...workerOptions,
          store: kyselyLifecycleStore(database, { clock: later }),
          clock: later,
          sweepMs: 100,
        });
        await survivor.start();
        await until(async () => {
          for (const id of subjects) if (!(await work.isOver(acme, id))) return false;
          return isTold();
        });
        await survivor.stop();
        const sorted = async () => [...(await allRows(database))].map(([table, rows]) => [table, rows.sort()]);
        const settled = await sorted();
        for (const child of held) {
          const gone = once(child, 'exit');
          child.kill('SIGCONT');
          expect(await gone).toEqual([0, null]);
        }
        expect(await sorted(), `held up ${heldAt.join(', ')}`).toEqual(settled);
        await database.close();
        await drop();
      },
      300_000,
    );
  });
