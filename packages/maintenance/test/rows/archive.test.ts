import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { archiveFile, type ArchiveFile, type PendingRows } from '../../src/databases/rows/archive-file.js';
import { recoverArchives, type Fate } from '../../src/databases/rows/archive-recovery.js';
import { openRoot, type OpenRoot } from '../../src/files/root.js';
import { clean, planned, tinyPace } from '../support/clean.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

const dayMs = 86_400_000;
const asOf = Date.UTC(2026, 5, 1);
const old = asOf - 60 * dayMs;
const big = 9_007_199_254_740_993n;

async function scratch(): Promise<{ directory: string; root: OpenRoot; drop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'dotmac-archive-'));
  const root = await openRoot(directory);
  if (!root) throw new Error('no directory');
  const drop = async () => {
    await root.close();
    await rm(directory, { recursive: true });
  };
  return { directory, root, drop };
}

for (const { title, present, fresh: createFresh, dialect } of dialects)
  describe.skipIf(!present)(`rows that are archived, on ${title}`, () => {
    let fresh: FreshDatabase;
    let database: Database;
    const bytes = { sqlite: 'blob', postgres: 'bytea', mysql: 'varbinary(20)' }[dialect];
    const run = (statement: string) => sql.raw(statement).execute(database.kysely);
    const fill = async (table: string, archive?: string) => {
      for (const name of [table, archive])
        if (name !== undefined)
          await run(
            `create table ${name} (id bigint primary key, at bigint, what varchar(50), raw ${bytes}, ratio double precision)`,
          );
      await run(`create index ${table}_at on ${table} (at)`);
      const raw = dialect === 'postgres' ? "'\\x00ff'" : "x'00ff'";
      for (let i = 0; i < 25; i++)
        await run(
          `insert into ${table} values (${big + BigInt(i)}, ${i % 5 === 4 ? asOf : i === 0 ? 'null' : old + (i % 3)}, 'it''s "${i}" é', ${raw}, 0.1)`,
        );
    };
    const ids = async (table: string) =>
      (
        await sql<{
          id: string;
        }>`select ${dialect === 'mysql' ? sql`cast(id as char)` : sql`cast(id as varchar(20))`} as id from ${sql.id(table)} order by id`.execute(
          database.kysely,
        )
      ).rows.map(({ id }) => id);
    const expected = Array.from({ length: 25 }, (_, i) => i)
      .filter((i) => i % 5 !== 4 && i !== 0)
      .map((i) => String(big + BigInt(i)));

    beforeAll(async () => {
      fresh = await createFresh();
      database = databaseFromUrl(fresh.url);
    });
    afterAll(async () => {
      await database.close();
      await fresh.drop();
    });

    it('are in the table or in its archive, never in both or neither', async () => {
      await fill('moved', 'moved_archive');
      const all = await ids('moved');
      const cleanup = await planned(
        database,
        { table: 'moved', timeColumn: 'at', retentionDays: 30, archive: { table: 'moved_archive' } },
        asOf,
      );
      let batches = 0;
      await clean(database, cleanup, {
        pace: tinyPace(4),
        async onBatch() {
          batches += 1;
          expect([...(await ids('moved')), ...(await ids('moved_archive'))].sort()).toEqual(all);
          return true;
        },
      });
      expect(batches).toBeGreaterThan(3);
      expect(await ids('moved_archive')).toEqual(expected);
    });

    it('are rolled back with their batch, in both tables', async () => {
      await fill('kept', 'kept_archive');
      const all = await ids('kept');
      const cleanup = await planned(
        database,
        { table: 'kept', timeColumn: 'at', retentionDays: 30, archive: { table: 'kept_archive' } },
        asOf,
      );
      await expect(
        clean(database, cleanup, { confirm: () => Promise.reject(new Error('lease lost')) }),
      ).rejects.toThrow('lease lost');
      expect(await ids('kept')).toEqual(all);
      expect(await ids('kept_archive')).toEqual([]);
    });

    it('are refused when the archive cannot hold them', async () => {
      await fill('wide');
      const archive = (table: string) =>
        planned(database, { table: 'wide', timeColumn: 'at', retentionDays: 30, archive: { table } }, asOf);
      await expect(archive('absent')).rejects.toMatchObject({ code: 'TABLE_NOT_MAINTAINABLE' });
      await run('create table narrow (id bigint primary key, at bigint)');
      await expect(archive('narrow')).rejects.toThrow('what, raw, ratio');
      await expect(archive('wide')).rejects.toThrow('is the table itself');
    });

    it('go to a file as lines that lose nothing, and only what is in it is deleted', async () => {
      await fill('filed');
      const { directory, root, drop } = await scratch();
      const cleanup = await planned(
        database,
        { table: 'filed', timeColumn: 'at', retentionDays: 30, archive: { directory } },
        asOf,
      );
      const file = archiveFile(root, 'filed@1.ndjson.gz');
      const { deleted } = await clean(database, cleanup, { archive: file, pace: tinyPace(4) });
      expect((await readdir(directory)).sort()).toEqual(['filed@1.ndjson.gz.keys', 'filed@1.ndjson.gz.partial']);
      await file.finish();
      const packed = await readFile(join(directory, 'filed@1.ndjson.gz'));
      const text = gunzipSync(packed).toString();
      // Read as text: JSON.parse would round the keys.
      expect([...text.matchAll(/"id" ?: ?(\d+)/g)].map(([, id]) => id)).toEqual(expected);
      const first = JSON.parse(text.split('\n', 1)[0] ?? '') as object;
      expect(first).toMatchObject({
        what: 'it\'s "1" é',
        ratio: 0.1,
        raw: dialect === 'postgres' ? '\\x00ff' : '00FF',
      });
      expect(deleted).toBe(expected.length);
      expect(await ids('filed')).toHaveLength(25 - expected.length);
      expect(await readFile(join(directory, 'filed@1.ndjson.gz.sha256'), 'utf8')).toBe(
        `${createHash('sha256').update(packed).digest('hex')}  filed@1.ndjson.gz\n`,
      );
      expect((await stat(join(directory, 'filed@1.ndjson.gz'))).mode & 0o777).toBe(0o600);
      expect(spawnSync('gzip', ['-t', join(directory, 'filed@1.ndjson.gz')]).status).toBe(0);
      await drop();
    });

    it.each([
      ['along the key', 'primary key (id)', 'key_window'],
      ['along the time', 'primary key (id, at)', 'time_keyset'],
    ])('are read by the megabyte where they are wide, %s', async (_, key, kind) => {
      await run('drop table if exists bulky');
      const text = dialect === 'mysql' ? 'longtext' : 'text';
      // With a rowid, SQLite walks by that.
      const rowids = dialect === 'sqlite' && kind !== 'key_window' ? 'without rowid' : '';
      await run(`create table bulky (id bigint not null, at bigint not null, what ${text}, ${key}) ${rowids}`);
      await run('create index bulky_at on bulky (at)');
      const million = {
        sqlite: 'hex(zeroblob(500000))',
        postgres: `repeat('x', 1000000)`,
        mysql: `repeat('x', 1000000)`,
      };
      const count = 36;
      // Neither in the order of the key, and some at the same time.
      for (let id = 0; id < count; id++)
        await run(`insert into bulky values (${id}, ${old + ((id * 7) % 12)}, ${million[dialect]})`);
      const policy = {
        table: 'bulky',
        timeColumn: 'at',
        retentionDays: 30,
        archive: { directory: '/nowhere/archive' },
      };
      const found = await planned(database, policy, asOf);
      expect(found.plan.strategy.kind).toBe(kind);
      const appended: string[][] = [];
      const archive: ArchiveFile = {
        ...{
          name: 'bulky@1',
          pending: null,
          lines: 0,
          finish: () => Promise.resolve(),
          close: () => Promise.resolve(),
        },
        ...{ keep: () => undefined, drop: () => Promise.resolve() },
        append({ keys, lines }) {
          expect(lines.join('').length).toBeLessThan(16 * 1_048_576 + 1);
          appended.push(keys.map(([id]) => String(id)));
          return Promise.resolve();
        },
      };
      let mostRead = 0;
      const lengths: number[] = [];
      const measured = database.kysely.withPlugin({
        transformQuery: ({ node }) => node,
        transformResult({ result }) {
          mostRead = Math.max(
            mostRead,
            result.rows.reduce((sum, { line }) => sum + String(line ?? '').length, 0),
          );
          for (const { length } of result.rows) if (length != null) lengths.push(Number(length));
          return Promise.resolve(result);
        },
      });
      const { deleted } = await clean({ ...database, kysely: measured }, found, {
        archive,
        pace: { ...tinyPace(count), leastRows: 1 },
      });
      expect({ deleted, left: await ids('bulky') }).toEqual({ deleted: count, left: [] });
      expect(mostRead).toBeLessThan(16 * 1_048_576 + 1);
      // Not row by row.
      expect(appended).toHaveLength(3);
      // What the first came to is where the next begins.
      expect(lengths.map((it) => it > 16 * 1_048_576)).toEqual([true, false, false, false]);
      expect(new Set(appended.flat()).size).toBe(count);
    });

    it('stay when they change while they are written', async () => {
      await fill('changing');
      const { directory, root, drop } = await scratch();
      const cleanup = await planned(
        database,
        { table: 'changing', timeColumn: 'at', retentionDays: 30, archive: { directory: '/nowhere/archive' } },
        asOf,
      );
      const file = archiveFile(root, 'changing@1.ndjson.gz');
      const changed = expected[3] as string;
      const archive = {
        ...file,
        lines: 0,
        get pending() {
          return file.pending;
        },
        async append(rows: PendingRows) {
          await file.append(rows);
          await run(`update changing set what = 'paid' where id = ${changed}`);
        },
      };
      await clean(database, cleanup, { archive });
      expect(await ids('changing')).toContain(changed);
      expect(await ids('changing')).toHaveLength(25 - expected.length + 1);
      await file.finish();
      // Not in the archive, either: its last state will be.
      const text = gunzipSync(await readFile(join(directory, 'changing@1.ndjson.gz'))).toString();
      expect([...text.matchAll(/"id" ?: ?(\d+)/g)].map(([, id]) => id)).toEqual(
        expected.filter((id) => id !== changed),
      );
      await drop();
    });
  });

describe('an archive that a killed process left', () => {
  const rows = (...ids: number[]): PendingRows => ({
    from: 'events (id)',
    keys: ids.map((id) => [String(id)]),
    lines: ids.map((id) => `{"id":${id}}`),
  });
  const recover = (root: OpenRoot, fate: Fate = 'deleted') =>
    recoverArchives(root, 'events@', () => Promise.resolve(fate));

  it('keeps what is whole and loses its torn end', async () => {
    const { directory, root, drop } = await scratch();
    const file = archiveFile(root, 'others@1.ndjson.gz');
    await file.append(rows(1, 2));
    file.keep();
    const member = await readFile(join(directory, 'others@1.ndjson.gz.partial'));
    await file.append(rows(3));
    file.keep();
    await file.finish();
    const whole = await readFile(join(directory, 'others@1.ndjson.gz'));
    const partial = join(directory, 'events@1.ndjson.gz.partial');
    const damaged = Buffer.from(member);
    damaged.writeUInt8((damaged.at(-9) ?? 0) ^ 1, damaged.length - 9);
    for (const torn of [member.subarray(0, 11), member.subarray(0, member.length - 1), Buffer.alloc(40), damaged]) {
      await writeFile(partial, Buffer.concat([whole, torn]));
      expect(await recover(root)).toEqual([{ name: 'events@1.ndjson.gz', lines: 3, fate: null }]);
      const packed = await readFile(join(directory, 'events@1.ndjson.gz'));
      expect(gunzipSync(packed).toString()).toBe('{"id":1}\n{"id":2}\n{"id":3}\n');
      expect(await readFile(join(directory, 'events@1.ndjson.gz.sha256'), 'utf8')).toContain(
        createHash('sha256').update(packed).digest('hex'),
      );
    }
    // Another policy's is left alone.
    await writeFile(join(directory, 'events.more@1.ndjson.gz.partial'), whole);
    expect(await recover(root)).toEqual([]);
    await drop();
  });

  it.each<[Fate, number]>([
    ['deleted', 3],
    ['unclear', 3],
    ['standing', 2],
  ])('has its last rows when they are %s, and no others', async (fate, lines) => {
    const { directory, root, drop } = await scratch();
    const file = archiveFile(root, 'events@1.ndjson.gz');
    await file.append(rows(1, 2));
    file.keep();
    await file.append(rows(3));
    await file.close();
    const asked: PendingRows[] = [];
    const found = await recoverArchives(root, 'events@', (pending) => Promise.resolve((asked.push(pending), fate)));
    expect(found).toEqual([{ name: 'events@1.ndjson.gz', lines, fate }]);
    expect(asked).toMatchObject([rows(3)]);
    expect((await readdir(directory)).sort()).toEqual(['events@1.ndjson.gz', 'events@1.ndjson.gz.sha256']);
    expect(gunzipSync(await readFile(join(directory, 'events@1.ndjson.gz'))).toString().split('\n')).toHaveLength(lines + 1); // prettier-ignore
    await drop();
  });

  it('that has no row at all is no file', async () => {
    const { directory, root, drop } = await scratch();
    const file = archiveFile(root, 'events@1.ndjson.gz');
    await file.append(rows(1));
    await file.close();
    expect(await recover(root, 'standing')).toMatchObject([{ lines: 0 }]);
    expect(await readdir(directory)).toEqual([]);
    await drop();
  });

  it('is not what a process writes to that was only stopped, and wakes', async () => {
    const { directory, root, drop } = await scratch();
    const file = archiveFile(root, 'events@1.ndjson.gz');
    await file.append(rows(1, 2));
    file.keep();
    await recover(root);
    const finished = await readFile(join(directory, 'events@1.ndjson.gz'));
    await file.append(rows(3));
    await file.close();
    expect(await readFile(join(directory, 'events@1.ndjson.gz'))).toEqual(finished);
    expect(await recover(root)).toEqual([]);
    await drop();
  });
});
