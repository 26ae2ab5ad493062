import fs from 'node:fs/promises';
import { mkdir, rm, mkdtemp } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql, type Kysely } from 'kysely';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { sqlite, type Database } from '@dotmac/core/kysely';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceOptions } from '../../src/index.js';

/** What each of the runs of a test logged. */
const logged: Record<string, unknown>[] = [];
const log = (entry: Record<string, unknown>) => void logged.push(entry);
const run = (maintenanceType: string, options: Omit<MaintenanceOptions, 'store'>, parameters = {}) => {
  logged.length = 0;
  const logger = { debug: log, info: log, warn: log, error: log };
  const maintenance = createMaintenance({ store: memoryMaintenanceStore(), throttle: [], logger, ...options });
  return maintenance.scope({ tenantId: 'acme' }).runs.execute({ maintenanceType, parameters });
};
const unforeseen = (of: string) => ({
  status: 'failed',
  errorMessage: `The work of ${of} failed unexpectedly; the log has the details.`,
});
const wholly = (error: string) =>
  expect(logged).toContainEqual(expect.objectContaining({ error, stack: expect.stringContaining(error) }));

async function tables(count: number): Promise<Database[]> {
  const all = Array.from({ length: count }, () => sqlite(':memory:'));
  onTestFinished(() => Promise.all(all.map((it) => it.close())).then(() => undefined));
  for (const { kysely } of all) {
    await sql`create table a (id integer primary key, at integer)`.execute(kysely);
    await sql`create index a_at on a (at)`.execute(kysely);
    await sql`insert into a values (1, 0), (2, 0)`.execute(kysely);
  }
  return all;
}
const ofA = (database: string) => ({
  ...{ name: database, database, table: 'a', timeColumn: 'at', retentionDays: 30 },
});

describe('what nobody foresaw of one policy keeps no other from its turn, and is logged whole', () => {
  it('a cache in memory that cannot be had', async () => {
    const cache = Object.assign(new Map([['a', 1]]), { purgeStale: () => false });
    const memory = () => cache;
    const broken = () => {
      throw new TypeError('no cache at redis://:secret@host');
    };
    const caches = [
      { name: 'broken', memory: broken, remove: 'all' as const },
      { name: 'sound', memory, remove: 'all' as const },
    ];
    const done = await run('cache_cleanup', { caches });
    expect(done).toMatchObject({
      ...unforeseen('broken'),
      itemsCleaned: 1,
      details: {
        policies: [
          { policy: 'broken', outcome: 'failed' },
          { policy: 'sound', outcome: 'done' },
        ],
      },
    });
    expect(JSON.stringify(done)).not.toMatch(/secret|no cache/);
    wholly('no cache at redis://***@host');
  });

  it.each([
    ['EBADMSG', unforeseen('first')],
    ['ESTALE', { errorMessage: expect.stringContaining('(ESTALE)') }],
    ['ENOTCONN', { errorMessage: expect.stringContaining('(ENOTCONN)') }],
  ])('a directory that answers %s', async (code, told) => {
    const directory = await mkdtemp(join(tmpdir(), 'dotmac-unforeseen-'));
    const open = fs.open.bind(fs);
    const opening = vi.spyOn(fs, 'open').mockImplementation((path, ...more) => {
      if (String(path).endsWith('/first')) throw Object.assign(new Error(`${code}: made to fail`), { code });
      return open(path, ...more);
    });
    onTestFinished(async () => {
      opening.mockRestore();
      syncBuiltinESMExports();
      await rm(directory, { recursive: true });
    });
    syncBuiltinESMExports();
    const directories = ['first', 'second'].map((name) => ({ name, directory: join(directory, name), maxAgeDays: 1 }));
    for (const { directory } of directories) await mkdir(directory, { mode: 0o700 });
    expect(await run('disk_cleanup', { directories })).toMatchObject({
      ...{ status: 'failed', ...told },
      details: {
        policies: [
          { policy: 'first', outcome: 'failed' },
          { policy: 'second', outcome: 'done' },
        ],
      },
    });
  });

  it('a disk of which the room cannot be said', async () => {
    const [first, second] = await tables(2);
    const databases = { first: first as Database, second: second as Database };
    const freeBytes = () => Promise.reject(new Error('no statfs'));
    const done = await run(
      'performance_optimization',
      {
        databases,
        retention: [ofA('first'), ofA('second')],
        upkeep: [{ name: 'first', database: 'first', freeBytes }],
      },
      { optimize_indexes: true },
    );
    expect(done).toMatchObject({
      ...unforeseen('table:first.a'),
      details: {
        databases: [
          { database: 'first', indexes_rebuilt: 0 },
          { database: 'second', indexes_rebuilt: 1 },
        ],
      },
    });
    wholly('no statfs');
  });

  it('a database whose driver fails', async () => {
    const [first, second] = await tables(2);
    const kysely = (first as Database).kysely.withPlugin({
      transformQuery({ node }) {
        if (
          JSON.stringify(node, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)).includes(
            'delete from',
          )
        )
          throw new TypeError('no driver');
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    }) as Kysely<unknown>;
    const databases = { first: { ...(first as Database), kysely }, second: second as Database };
    const done = await run('database_cleanup', { databases, retention: [ofA('first'), ofA('second')] });
    expect(done).toMatchObject({
      ...unforeseen('first'),
      itemsCleaned: 2,
      details: {
        policies: [
          { policy: 'first', outcome: 'failed' },
          { policy: 'second', outcome: 'done', rows: 2 },
        ],
      },
    });
    wholly('no driver');
  });
});
