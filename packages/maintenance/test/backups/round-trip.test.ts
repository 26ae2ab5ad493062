import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '@dotmac/core';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { backupDirectory } from '../../src/backups/directory.js';
import { checkBackup, type BackupPolicy } from '../../src/backups/policy.js';
import { takeBackup } from '../../src/backups/take-backup.js';
import type { BackupWork } from '../../src/backups/work.js';
import { verifyBackup, withContent } from '../../src/backups/verify-backup.js';
import { openRoot } from '../../src/files/root.js';
import { available, mysqlPrograms } from '../../../../test/support/services.js';
import { dialects, type FreshDatabase } from '../support/databases.js';

let directory: string;
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'dotmac-backups-'))));
afterEach(() => rm(directory, { recursive: true }));

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const root of opened.splice(0)) await root.close();
});
const { signal } = new AbortController();
async function workOn(policy: Omit<BackupPolicy, 'name' | 'directory' | 'keep'>): Promise<BackupWork> {
  const checked = checkBackup({ name: 'main', directory, keep: { last: 3 }, ...policy });
  const root = await openRoot(directory);
  if (!root) throw new Error('no directory');
  opened.push(root);
  return { policy: checked, directory: backupDirectory(root, checked), clock: systemClock, signal };
}

/** Texts that a dump could trip over. */
const texts = [
  "it's",
  'a\\',
  '(1),(2);',
  '\n-- dotmac: events from here on\n',
  'INSERT INTO `x` VALUES (1);\n',
  '',
  'żółw 🐢',
];

async function fill({ kysely, dialect }: Database): Promise<void> {
  const blob = { sqlite: 'blob', postgres: 'bytea', mysql: 'blob' }[dialect];
  await sql`create table ${sql.id('Odd "name"')} (id integer primary key, body text, bytes ${sql.raw(blob)})`.execute(
    kysely,
  );
  await sql`create table ${sql.id('empty')} (id integer primary key)`.execute(kysely);
  await sql`create table many (id integer primary key, body varchar(100))`.execute(kysely);
  for (const [id, text] of texts.entries())
    await sql`insert into ${sql.id('Odd "name"')} values (${id}, ${text}, ${Buffer.from([0, 1, 39, 92, 255])})`.execute(
      kysely,
    );
  for (let from = 0; from < 5_000; from += 500) {
    const rows = Array.from({ length: 500 }, (_, at) => sql`(${from + at}, ${`row ${from + at} (it's)`})`);
    await sql`insert into many values ${sql.join(rows)}`.execute(kysely);
  }
}
const tables = [
  { name: 'Odd "name"', rows: texts.length },
  { name: 'empty', rows: 0 },
  { name: 'many', rows: 5_000 },
];

const programs = { sqlite: {}, postgres: {}, mysql: mysqlPrograms };
const client = { sqlite: true, postgres: available.postgresClient, mysql: available.mysqlClient };

for (const { dialect, title, present, fresh } of dialects)
  describe.skipIf(!present || !client[dialect])(`a backup of ${title}`, () => {
    let source: FreshDatabase;
    let database: Database;
    beforeEach(async () => {
      source = await fresh();
      database = databaseFromUrl(source.url);
      await fill(database);
    });
    afterEach(async () => {
      await database.close();
      await source.drop();
    });
    const prefix = dialect === 'postgres' ? 'public.' : '';

    it('has all rows of its instant, is verified by restoring, and can be restored', async () => {
      const work = await workOn({ url: source.url, programs: programs[dialect] });
      const backup = await takeBackup(work);
      expect(backup).toMatchObject({ state: 'unverified', kind: dialect, compression: 'gzip' });
      expect(backup.tables).toEqual(tables.map(({ name, rows }) => ({ name: prefix + name, rows })));
      const file = join(directory, backup.file);
      expect(
        createHash('sha256')
          .update(await readFile(file))
          .digest('hex'),
      ).toBe(backup.sha256);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(gunzipSync(await readFile(file))).toHaveLength(backup.contentBytes);
      expect(await verifyBackup(work, backup)).toMatchObject({ state: 'verified', fault: null });
      expect((await readdir(directory)).sort()).toEqual([backup.file, `main-${backup.id}.json`].sort());
      expect(await work.directory.list()).toMatchObject([{ id: backup.id, state: 'verified' }]);

      const other = await fresh();
      if (dialect === 'sqlite') await rm(other.url.slice('sqlite:'.length), { force: true });
      const context = { clock: systemClock, signal, scratchFile: join(directory, 'unused') };
      await withContent(backup, work, (content) => work.policy.source.restore(context, content, other.url));
      const restored = databaseFromUrl(other.url);
      const read = async ({ kysely }: Database) =>
        (await sql`select * from ${sql.id('Odd "name"')} order by id`.execute(kysely)).rows;
      expect(await read(restored)).toEqual(await read(database));
      await restored.close();
      await expect(
        withContent(backup, work, (content) => work.policy.source.restore(context, content, other.url)),
      ).rejects.toThrow(/already/);
      await other.drop();
    });

    it('is found broken when a byte of it changed, or some are missing', async () => {
      const work = await workOn({ url: source.url, programs: programs[dialect] });
      const backup = await takeBackup(work);
      const file = join(directory, backup.file);
      const whole = await readFile(file);
      const changed = Buffer.from(whole);
      changed[changed.length >> 1]! ^= 1;
      await writeFile(file, changed);
      expect(await verifyBackup(work, backup)).toMatchObject({ state: 'broken', verifiedAt: null });
      await writeFile(file, whole.subarray(0, -1));
      expect(await work.directory.list()).toMatchObject([{ id: backup.id, state: 'broken' }]);
      expect(await verifyBackup(work, backup)).toMatchObject({ state: 'broken', verifiedAt: null });
    });

    it('is not verified when what was restored is not what was dumped', async () => {
      const work = await workOn({ url: source.url, programs: programs[dialect] });
      const backup = await takeBackup(work);
      const [first, ...others] = backup.tables;
      const fewer = { ...backup, tables: [{ ...first!, rows: 3 }, ...others] };
      expect(await verifyBackup(work, fewer)).toMatchObject({
        state: 'broken',
        fault: expect.stringContaining('rows'),
      });
    });

    it('counts the rows of its snapshot while others write', async () => {
      const work = await workOn({ url: source.url, programs: programs[dialect] });
      const writer = databaseFromUrl(source.url);
      let writing = true;
      const writes = (async () => {
        for (let id = 10_000; writing; id++) {
          await sql`insert into many values (${id}, 'late')`.execute(writer.kysely);
          // SQLite answers without ever leaving the turn.
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      const backups = [];
      for (let time = 0; time < 3; time++) backups.push(await takeBackup(work));
      writing = false;
      await writes;
      await writer.close();
      for (const backup of backups) expect(await verifyBackup(work, backup)).toMatchObject({ state: 'verified' });
    });
  });
