import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { dialects } from '../support/databases.js';
import { suiteDatabase } from '../support/suite-database.js';
import { droppingMaintenance, fillDropping, leftByTurns, leftOf } from '../support/dropping.js';
import { expireLeases } from '../support/expire-leases.js';

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => void (worker = await bundleWorker(new URL('dying-dropper-worker.ts', import.meta.url))));
afterAll(() => worker.remove());

/** Takes over from a process that was killed, until the run that it began has been gone on with. */
async function goOn(database: Database): Promise<void> {
  await expireLeases(database);
  const maintenance = droppingMaintenance(database);
  // A module that starts marks it as abandoned, and goes on with it where something was kept of it.
  await maintenance.start();
  const { runs } = maintenance.scope({ tenantId: 'acme' });
  const [killed] = (await runs.list({ limit: 1 })).items.map(({ taskId }) => taskId);
  await expect.poll(async () => (await runs.get(killed ?? '')).status, { timeout: 30_000 }).toBe('failed');
  const { resumedBy } = await runs.get(killed ?? '');
  const id = resumedBy ?? (await runs.resume(killed ?? '')).taskId;
  await expect.poll(async () => (await runs.get(id)).status, { timeout: 30_000 }).toBe('completed');
  await maintenance.stop();
}

// SQLite has no partitions.
for (const { title, present, fresh: createFresh } of dialects.filter(({ dialect }) => dialect !== 'sqlite'))
  describe.skipIf(!present)(`partitions that are dropped on ${title}`, () => {
    let database: Database;
    let url: string;
    suiteDatabase(createFresh, (...opened) => ([database, url] = opened));

    it(
      'go whole or stay, the oldest first, before whichever statement their process is killed, and the run that goes on drops the rest',
      { timeout: 300_000 },
      async () => {
        const seen = new Set<number>();
        for (let died = true, nth = 1; died; nth++) {
          await fillDropping(database);
          const child = fork(worker.path, [url, `${nth}`], { stdio: 'inherit' });
          const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
          died = signal === 'SIGKILL';
          expect([nth, died ? 0 : code]).toEqual([nth, 0]);
          const left = await leftOf(database);
          expect(leftByTurns).toContainEqual(left);
          seen.add(left.ids.length);
          if (died) await goOn(database);
          expect([nth, await leftOf(database)]).toEqual([nth, leftByTurns.at(-1)]);
        }
        // It died before the first went, between them, and after the last.
        expect([...seen]).toEqual(leftByTurns.map(({ ids }) => ids.length));
      },
    );
  });
