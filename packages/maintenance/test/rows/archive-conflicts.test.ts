import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { archiveFile } from '../../src/databases/rows/archive-file.js';
import type { Place } from '../../src/databases/rows/cut.js';
import { openRoot } from '../../src/files/root.js';
import { fillEvents, stateOf } from '../support/archiving.js';
import { clean, planned, tinyPace } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';
import { failuresOf } from '../support/failures.js';

const asOf = Date.UTC(2026, 5, 1);
const pace = { ...tinyPace(10), leastRows: 1, lockTimeoutMs: 1_000 };

for (const { title, present, fresh: createFresh } of dialects)
  describe.skipIf(!present)(`rows that are archived into a file while others are at them, on ${title}`, () => {
    let fresh: FreshDatabase;
    let [database, other]: Database[] = [];
    let directory: string;
    beforeAll(async () => {
      fresh = await createFresh();
      [database, other] = [databaseFromUrl(fresh.url, { busyTimeoutMs: 40 }), databaseFromUrl(fresh.url)];
    });
    afterAll(async () => {
      await database?.close();
      await other?.close();
      await fresh.drop();
    });
    const remove = (id: number, { kysely }: Pick<Database, 'kysely'>) =>
      sql`delete from events where id = ${id}`.execute(kysely);
    const archiving = async (work: (policy: { archive: { directory: string } }) => Promise<void>): Promise<void> => {
      directory = await mkdtemp(join(tmpdir(), 'dotmac-archiving-'));
      await fillEvents(database as Database);
      await work({ archive: { directory } }).finally(() => rm(directory, { recursive: true }));
    };
    const plannedOf = (policy: { archive: { directory: string } }) =>
      planned(database as Database, { table: 'events', timeColumn: 'at', retentionDays: 30, ...policy }, asOf);
    const opened = async () => {
      const root = await openRoot(directory);
      if (!root) throw new Error('no directory');
      return { root, archive: archiveFile(root, 'tested@1.ndjson.gz') };
    };

    it('go with a later try when the first was rolled back, whoever has deleted one of them meanwhile', () =>
      archiving(async (policy) => {
        const { cleanup, codes } = failuresOf(await plannedOf(policy));
        const { root, archive } = await opened();
        let running: Promise<{ deleted: number; drained: boolean }> | undefined;
        await (other as Database).kysely.transaction().execute(async (trx) => {
          await remove(7, { kysely: trx as never });
          running = clean(database as Database, cleanup, { archive, pace });
          await expect.poll(() => codes.length, { timeout: 20_000 }).toBeGreaterThan(0);
        });
        expect(await running).toMatchObject({ deleted: 9, drained: true });
        await archive.finish();
        await root.close();
        expect(await stateOf(database as Database, directory)).toMatchObject({
          standing: [11, 12],
          archived: [1, 2, 3, 4, 5, 6, 8, 9, 10],
        });
      }));

    it('do not count as gone when nobody can tell: the walk goes on from before them, and the log says so', () =>
      archiving(async (policy) => {
        let fails = true;
        const { cleanup } = failuresOf(await plannedOf(policy), (real) => async (db, limits, work) => {
          if (!fails) return real.transaction(db, limits, work);
          fails = false;
          // All was done but the commit, of which no answer came; then somebody else deletes one of them.
          const unanswered = real.transaction(db, limits, async (trx) => {
            await work(trx);
            throw new Error('no answer');
          });
          return unanswered.finally(() => remove(7, database as Database));
        });
        const { root, archive } = await opened();
        const places: Place[] = [];
        const notes: string[] = [];
        const options = {
          archive,
          pace,
          note: (message: string) => void notes.push(message),
          onBatch: ({ place }: { place: Place }) => Promise.resolve(places.push(place) > 0),
        };
        await expect(clean(database as Database, cleanup, options)).rejects.toThrow('no answer');
        expect({ places, pending: archive.pending, lines: archive.lines }).toEqual({ places: [], pending: null, lines: 10 }); // prettier-ignore
        expect(notes).toEqual([expect.stringContaining('may be in a later archive')]);
        await archive.finish();
        await root.close();
        expect((await stateOf(database as Database, directory)).standing).toEqual([1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12]);
      }));
  });
