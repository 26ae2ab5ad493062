import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Sqlite from 'better-sqlite3';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { databaseFromUrl, type Database } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../test/support/bundle-worker.js';
import { expireLeases } from './support/expire-leases.js';
import { createMaintenance, kyselyMaintenanceStore, type MaintenanceModule } from '../src/index.js';
import { cleanedByWorker, leaseTtlMs } from './support/cleaning-policies.js';
import { dialects } from './support/databases.js';

const old = Date.UTC(2020, 1, 1);
const rows = 12_000;
const due = Array.from({ length: rows }, (_, i) => i).filter((i) => i % 3 !== 0);

let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('support/cleaning-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

async function fill({ kysely }: Database): Promise<void> {
  for (const name of ['events', 'events_archive'])
    await sql`create table ${sql.id(name)} (id bigint primary key, at bigint, state varchar(9), note varchar(300))`.execute(
      kysely,
    );
  await sql`create index events_at on events (at)`.execute(kysely);
  for (let from = 0; from < rows; from += 1_000)
    await sql`insert into events values ${sql.join(Array.from({ length: 1_000 }, (_, i) => sql`(${sql.lit(from + i)}, ${sql.lit(old + from + i)}, ${sql.lit((from + i) % 3 ? 'ended' : 'open')}, ${sql.lit('x'.repeat(200))})`))}`.execute(
      kysely,
    );
}
const ids = async ({ kysely }: Database, table: string) =>
  (await sql<{ id: number }>`select id from ${sql.id(table)} order by id`.execute(kysely)).rows.map(({ id }) =>
    Number(id),
  );

/** What is in the archives of a directory, in order, and the files there that are none. */
async function archivedIn(directory: string) {
  const files = await readdir(directory);
  const archived: number[] = [];
  for (const name of files.filter((it) => it.endsWith('.gz'))) {
    const text = gunzipSync(await readFile(join(directory, name))).toString();
    archived.push(...text.trim().split('\n').map((line) => Number((JSON.parse(line) as { id: number }).id))); // prettier-ignore
  }
  return {
    archived: archived.sort((a, b) => a - b),
    unfinished: files.filter((name) => !/\.gz(\.sha256)?$/.test(name)),
  };
}

/** A worker, and what it says. */
function start(url: string, policy: string, moment = 'never', directory = '') {
  const child: ChildProcess = spawn(process.execPath, [worker.path, url, policy, moment, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: string[] = [];
  child.stdout?.on('data', (chunk: Buffer) => said.push(...chunk.toString().split('\n').filter(Boolean)));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, said, ended };
}

/** Another process's module, here, after the leases of the first have run out. */
async function successor(database: Database, directory = ''): Promise<MaintenanceModule> {
  await expireLeases(database);
  const maintenance = createMaintenance({
    store: kyselyMaintenanceStore(database),
    databases: { main: database },
    retention: cleanedByWorker(directory),
    leaseTtlMs,
    startScheduler: false,
  });
  await maintenance.start();
  return maintenance;
}
/** Its status, once it has run: it may have to wait for one that was stopped while it wrote. */
const runUntilFree = (maintenance: MaintenanceModule, policy: string) =>
  expect.poll(
    async () => {
      const { runs } = maintenance.scope({ tenantId: 'acme' });
      const result = await runs
        .run('database_cleanup', { policies: [policy], vacuumAnalyze: false })
        .catch(() => undefined);
      return result?.status;
    },
    { timeout: 60_000, interval: 250 },
  );

for (const { title, present, fresh: createFresh, dialect } of dialects)
  describe.skipIf(!present)(`a cleanup on ${title}`, () => {
    // A stopped process that has begun to write keeps SQLite's one lock: nobody can take over from it there until it wakes.
    const moments = dialect === 'sqlite' ? ['rest-1'] : ['rest-1', 'predicate-3'];
    for (const [moment, policy] of [...moments.map((it) => [it, 'deleted'] as const), ['rest-1', 'filed'] as const])
      it(
        `that is stopped past its lease at ${moment} and woken deletes and archives nothing more (${policy})`,
        { timeout: 120_000 },
        async () => {
          const fresh = await createFresh();
          const directory = await mkdtemp(join(tmpdir(), 'dotmac-stopped-'));
          const database = databaseFromUrl(fresh.url);
          await fill(database);
          const zombie = start(fresh.url, policy, moment, directory);
          await expect.poll(() => zombie.said, { timeout: 30_000 }).toContain('stopped');
          const before = (await ids(database, 'events')).length;
          expect(before).toBeGreaterThan(rows - due.length);

          const maintenance = await successor(database, directory);
          await runUntilFree(maintenance, policy).toBe('completed');
          expect(await ids(database, 'events')).toHaveLength(rows - due.length);
          // Due rows anew, for the zombie to fall over.
          await sql`update events set state = 'ended'`.execute(database.kysely);
          zombie.child.kill('SIGCONT');
          await zombie.ended;
          expect(await ids(database, 'events')).toHaveLength(rows - due.length);
          expect(zombie.said.at(-1)).toMatch(/^ended (failed|cancelled)/);
          expect(await archivedIn(directory)).toEqual({ archived: policy === 'filed' ? due : [], unfinished: [] });
          await maintenance.stop();
          await database.close();
          await rm(directory, { recursive: true });
          await fresh.drop();
        },
      );

    if (dialect === 'sqlite')
      it(
        'that is stopped past its lease in its transaction keeps everybody out, and takes it back when it wakes',
        { timeout: 120_000 },
        async () => {
          const policy = 'moved';
          const fresh = await createFresh();
          const database = databaseFromUrl(fresh.url);
          await fill(database);
          const zombie = start(fresh.url, policy, 'predicate-4');
          await expect.poll(() => zombie.said, { timeout: 30_000 }).toContain('stopped');
          const before = [await ids(database, 'events'), await ids(database, 'events_archive')] as const;
          // It is in its second batch.
          expect(before[0].length).toBeGreaterThan(rows - due.length);
          expect(before[0].length).toBeLessThan(rows);
          const other = new Sqlite(fresh.url.slice('sqlite:'.length), { timeout: 0 });
          expect(() => other.exec('begin immediate')).toThrow(/locked/);
          const { now } = database.traits;
          const alive = async () =>
            (
              await sql`select 1 from dotmac_leases where owner is not null and until_at > ${now}`.execute(
                database.kysely,
              )
            ).rows.length;
          await expect.poll(alive, { timeout: 30_000 }).toBe(0);
          expect(() => other.exec('begin immediate')).toThrow(/locked/);
          other.close();

          zombie.child.kill('SIGCONT');
          await zombie.ended;
          expect(zombie.said.at(-1)).toMatch(/^ended failed/);
          expect([await ids(database, 'events'), await ids(database, 'events_archive')]).toEqual(before);

          const maintenance = await successor(database);
          await runUntilFree(maintenance, policy).toBe('completed');
          expect(await ids(database, 'events')).toEqual(
            Array.from({ length: rows }, (_, i) => i).filter((i) => i % 3 === 0),
          );
          expect(await ids(database, 'events_archive')).toEqual(due);
          await maintenance.stop();
          await database.close();
          await fresh.drop();
        },
      );

    for (const policy of ['deleted', 'moved', 'filed'])
      it(
        `that is killed leaves nothing lost or doubled when another takes it up (${policy})`,
        { timeout: 120_000 },
        async () => {
          const fresh = await createFresh();
          const directory = await mkdtemp(join(tmpdir(), 'dotmac-killed-'));
          const database = databaseFromUrl(fresh.url);
          await fill(database);
          // It stops by itself before it could come to the end: this process may be late to kill it.
          const killed = start(fresh.url, policy, 'rest-2', directory);
          await expect.poll(() => killed.said, { timeout: 30_000, interval: 1 }).toContain('batch');
          killed.child.kill('SIGKILL');
          await killed.ended;
          const half = (await ids(database, 'events')).length;
          expect(half).toBeGreaterThan(rows - due.length);
          expect(half).toBeLessThan(rows);

          const maintenance = await successor(database, directory);
          const { runs } = maintenance.scope({ tenantId: 'acme' });
          const [first] = (await runs.list({ limit: 1 })).items;
          // A module that starts marks it as abandoned; then it is gone on with.
          const sweep = async () => {
            await maintenance.stop();
            await maintenance.start();
            return (await runs.get(first?.taskId ?? '')).status;
          };
          await expect.poll(sweep, { timeout: 30_000, interval: 500 }).toBe('failed');
          // By itself, where the one that was killed had kept where it was.
          const { resumedBy } = await runs.get(first?.taskId ?? '');
          const id = resumedBy ?? (await runs.resume(first?.taskId ?? '')).taskId;
          await expect.poll(async () => (await runs.get(id)).status, { timeout: 30_000 }).toBe('completed');

          expect(await ids(database, 'events')).toEqual(
            Array.from({ length: rows }, (_, i) => i).filter((i) => i % 3 === 0),
          );
          if (policy === 'moved') expect(await ids(database, 'events_archive')).toEqual(due);
          expect(await archivedIn(directory)).toEqual({ archived: policy === 'filed' ? due : [], unfinished: [] });
          await maintenance.stop();
          await database.close();
          await rm(directory, { recursive: true });
          await fresh.drop();
        },
      );
  });
