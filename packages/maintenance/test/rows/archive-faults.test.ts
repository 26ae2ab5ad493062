import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { archiveEvents, fillEvents, stateOf, stepping, whole } from '../support/archiving.js';
import { dialects } from '../support/databases.js';
import { suiteDatabase } from '../support/suite-database.js';
import { failing, operations, type Operation } from '../support/faulty-files.js';

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => void (worker = await bundleWorker(new URL('dying-archiver-worker.ts', import.meta.url))));
afterAll(() => worker.remove());

/** What calls fail with; all others with EIO. */
const codes: Partial<Record<Operation, string[]>> = {
  write: ['ENOSPC', 'EIO'],
  datasync: ['ENOSPC', 'EIO'],
  sync: ['ENOSPC', 'EIO'],
  rename: ['ENOSPC', 'EIO'],
  open: ['ENOSPC'],
};

for (const { title, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`rows that are archived into a file, on ${title}`, () => {
    let database: Database;
    let url: string;
    suiteDatabase(createFresh, (...opened) => ([database, url] = opened));
    const inDirectory = async <Result>(work: (directory: string) => Promise<Result>): Promise<Result> => {
      const directory = await mkdtemp(join(tmpdir(), 'dotmac-archiving-'));
      await fillEvents(database);
      try {
        return await work(directory);
      } finally {
        await rm(directory, { recursive: true });
      }
    };

    it('are each in one place, once, at whichever step their process is killed', { timeout: 300_000 }, async () => {
      let died = true;
      let steps = 0;
      for (; died; steps++)
        await inDirectory(async (directory) => {
          const child = fork(worker.path, [url, directory, `${steps + 1}`], { stdio: 'inherit' });
          const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
          died = signal === 'SIGKILL';
          expect([steps, died ? 0 : code]).toEqual([steps, 0]);
          await archiveEvents(database, directory, { id: 'next' });
          expect([steps, await stateOf(database, directory)]).toEqual([steps, whole]);
        });
      expect(steps).toBeGreaterThan(40);
    });

    it.each(operations)(
      'are each in one place, once, whichever call of %s fails',
      async (operation) => {
        for (const code of codes[operation] ?? ['EIO'])
          for (let nth = 1, last = Infinity; nth <= last; nth++)
            await inDirectory(async (directory) => {
              const at = `${operation} ${nth} ${code}`;
              const { system, calls } = failing(operation, nth, code);
              await archiveEvents(database, directory, { id: 'failing', system }).catch(() => undefined);
              if (calls() < nth) last = nth;
              const { standing, archived, wrongSums } = await stateOf(database, directory);
              // What counts as an archive by then is whole, and has no row that stands in the table, too.
              expect([at, wrongSums, archived.filter((id) => standing.includes(id))]).toEqual([at, [], []]);
              await archiveEvents(database, directory, { id: 'next' });
              expect([at, await stateOf(database, directory)]).toEqual([at, whole]);
            });
      },
      120_000,
    );

    it('are each in one place, once, when the answer to a commit is lost', { timeout: 60_000 }, async () => {
      for (let nth = 1, last = Infinity; nth <= last; nth++)
        await inDirectory(async (directory) => {
          let steps = 0;
          const step = (): void => {
            if (++steps === nth) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
          };
          await archiveEvents(database, directory, { id: 'failing', dialect: stepping(step) }).catch(() => undefined);
          if (steps < nth) last = nth;
          await archiveEvents(database, directory, { id: 'next' });
          expect([nth, await stateOf(database, directory)]).toEqual([nth, whole]);
        });
    });
  });
