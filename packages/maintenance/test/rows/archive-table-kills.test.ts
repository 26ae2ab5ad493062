import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { dialects } from '../support/databases.js';
import { suiteDatabase } from '../support/suite-database.js';
import { allMoved, fillMoving, moveRows, whereRowsAre } from '../support/moving.js';

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => void (worker = await bundleWorker(new URL('dying-mover-worker.ts', import.meta.url))));
afterAll(() => worker.remove());

for (const { title, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`rows that are moved into another table, on ${title}`, () => {
    let database: Database;
    let url: string;
    suiteDatabase(createFresh, (...opened) => ([database, url] = opened));

    it(
      'are each in one of the two, once, at whichever step their process is killed',
      { timeout: 300_000 },
      async () => {
        const all = [...allMoved.standing, ...allMoved.archived].sort();
        const archived: number[] = [];
        for (let died = true, nth = 1; died; nth++) {
          await fillMoving(database);
          const child = fork(worker.path, [url, `${nth}`], { stdio: 'inherit' });
          const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
          died = signal === 'SIGKILL';
          expect([nth, died ? 0 : code]).toEqual([nth, 0]);
          const left = await whereRowsAre(database);
          expect([nth, [...left.standing, ...left.archived].sort()]).toEqual([nth, all]);
          expect([nth, left.archived]).toEqual([nth, allMoved.archived.slice(0, left.archived.length)]);
          archived.push(left.archived.length);
          await moveRows(database);
          expect([nth, await whereRowsAre(database)]).toEqual([nth, allMoved]);
        }
        // It died before the first batch, between the two, and after them; and in none of them.
        expect([...new Set(archived)]).toEqual([0, 4, 6]);
        expect(archived.length).toBeGreaterThan(10);
      },
    );
  });
