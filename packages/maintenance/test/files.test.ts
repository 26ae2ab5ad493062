import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { access, link, mkdir, mkdtemp, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { available, redisPrefix, redisUrl } from '../../../test/support/services.js';
import { createMaintenance, memoryMaintenanceStore, type MaintenanceOptions } from '../src/index.js';

let root: string;
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'dotmac-files-'))));
afterEach(() => rm(root, { recursive: true }));

const day = 86_400_000;
const old = async (path: string, content: string, days = 40) => {
  await writeFile(path, content);
  await utimes(path, new Date(Date.now() - days * day), new Date(Date.now() - days * day));
};
const scope = (options: Partial<MaintenanceOptions>) =>
  createMaintenance({ store: memoryMaintenanceStore(), ...options }).scope({ tenantId: 'acme' });
const rotateAll = { maxSizeMb: 0.000001, maxAgeDays: 30, compressOldLogs: true, dryRun: false };

describe('log rotation', () => {
  const logs = () => scope({ logs: [{ name: 'app', directory: join(root, 'logs') }] });
  beforeEach(() => mkdir(join(root, 'logs')));

  it('predicts in a dry run, then rotates and compresses without losing a byte', async () => {
    const content = 'a line of a log\n'.repeat(10_000);
    await old(join(root, 'logs', 'app.log'), content);
    const dry = await logs().runs.run('log_rotation', { ...rotateAll, dryRun: true });
    expect(dry).toMatchObject({ itemsCleaned: 0, itemsProcessed: 2, details: { dry_run: true } });
    expect(await readdir(join(root, 'logs'))).toEqual(['app.log']);
    const run = await logs().runs.run('log_rotation', rotateAll);
    expect(run).toMatchObject({ status: 'completed', itemsCleaned: 2, itemsProcessed: 2 });
    const [name = '', ...others] = await readdir(join(root, 'logs'));
    expect(others).toEqual([]);
    expect(gunzipSync(await readFile(join(root, 'logs', name))).toString()).toBe(content);
  });

  it('touches no links, hard links or FIFOs, and nothing outside', async () => {
    const canary = join(root, 'canary.log');
    await old(canary, 'outside');
    await symlink(canary, join(root, 'logs', 'link.log'));
    await old(join(root, 'hard.log'), 'two names');
    await link(join(root, 'hard.log'), join(root, 'logs', 'hard.log'));
    execFileSync('mkfifo', [join(root, 'logs', 'fifo.log')]);
    const before = (await readdir(join(root, 'logs'))).sort();
    expect(await logs().runs.run('log_rotation', rotateAll)).toMatchObject({ status: 'completed', itemsCleaned: 0 });
    expect((await readdir(join(root, 'logs'))).sort()).toEqual(before);
    expect(await readFile(canary, 'utf8')).toBe('outside');
  });

  it('fails on a root that was replaced by a link', async () => {
    await rm(join(root, 'logs'), { recursive: true });
    await mkdir(join(root, 'elsewhere'));
    await old(join(root, 'elsewhere', 'app.log'), 'kept');
    await symlink(join(root, 'elsewhere'), join(root, 'logs'));
    const result = await logs().runs.run('log_rotation', rotateAll);
    expect(result.status).toBe('failed');
    expect(result.errorMessage).not.toContain(root);
    expect(await readdir(join(root, 'elsewhere'))).toEqual(['app.log']);
  });

  it('keeps every line of a writer that goes on writing', async () => {
    const path = join(root, 'logs', 'busy.log');
    const writer = createWriteStream(path, { flags: 'a' });
    let written = '';
    const write = (line: string) =>
      new Promise<void>((resolve) => ((written += line), writer.write(line, () => resolve())));
    for (let i = 0; i < 500; i++) await write(`before ${i}\n`);
    let rotating = true;
    const run = logs()
      .runs.run('log_rotation', { ...rotateAll, compressOldLogs: false })
      .finally(() => (rotating = false));
    for (let i = 0; rotating || i < 500; i++) await write(`during ${i}\n`);
    expect((await run).itemsCleaned).toBe(1);
    await new Promise<void>((resolve) => writer.end(() => resolve()));
    const names = await readdir(join(root, 'logs'));
    expect((await Promise.all(names.map((it) => readFile(join(root, 'logs', it), 'utf8')))).join('')).toBe(written);
  });

  it('finishes what a killed process left of a compression', async () => {
    const content = Array.from({ length: 400_000 }, (_, i) => `line ${i} ${(i * 2654435761) % 4294967296}\n`).join('');
    await old(join(root, 'logs', 'app.log.20260101T000000Z'), content);
    const { build } = await import('esbuild');
    await build({
      stdin: {
        contents: `import { openRoot } from './files/root.js'; import { compressFile } from './files/compress.js';
          import { codecs } from './files/codec.js'; import { existsSync } from 'node:fs';
          const root = await openRoot(process.argv[2]);
          const { signal } = new AbortController();
          // By itself, between two of its own steps: who watches from outside may come too late.
          const dieHalfway = () => {
            if (existsSync(process.argv[3])) process.kill(process.pid, 'SIGKILL');
            setImmediate(dieHalfway);
          };
          dieHalfway();
          await compressFile(root, 'app.log.20260101T000000Z', { codec: codecs.gzip, level: 6, signal });
          process.exit();`,
        resolveDir: join(import.meta.dirname, '../src'),
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: join(root, 'child.mjs'),
      conditions: ['@dotmac/source'],
    });
    const partial = join(root, 'logs', 'app.log.20260101T000000Z.gz.partial');
    const child = fork(join(root, 'child.mjs'), [join(root, 'logs'), partial]);
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
    await access(partial);
    expect(await readFile(join(root, 'logs', 'app.log.20260101T000000Z'), 'utf8')).toBe(content);
    expect(await logs().runs.run('log_rotation', rotateAll)).toMatchObject({ status: 'completed' });
    expect(await readdir(join(root, 'logs'))).toEqual(['app.log.20260101T000000Z.gz']);
    expect(gunzipSync(await readFile(join(root, 'logs', 'app.log.20260101T000000Z.gz'))).toString()).toBe(content);
  });
});

describe('cache cleanup', () => {
  it('removes files neither read nor written for so long, and the directories that this empties', async () => {
    const directory = join(root, 'cache');
    await mkdir(join(directory, 'deep', 'er'), { recursive: true });
    await old(join(directory, 'deep', 'er', 'stale.bin'), 'x'.repeat(1_000), 400);
    const cache = scope({ caches: [{ name: 'files', directory, requestLimits: { maxAgeDays: 0 } }] });
    // Written long ago, and read yesterday.
    const read = join(directory, 'read.bin');
    await writeFile(read, 'y');
    await utimes(read, (Date.now() - day) / 1_000, (Date.now() - 400 * day) / 1_000);
    const run = (maxAgeDays: number) =>
      cache.runs.run('cache_cleanup', { redisCleanup: true, maxAgeDays, dryRun: false });
    expect((await run(401)).itemsCleaned).toBe(0);
    expect(await run(30)).toMatchObject({ status: 'completed', itemsCleaned: 1 });
    expect(await readdir(directory)).toEqual(['read.bin']);
    expect(await run(0)).toMatchObject({ status: 'completed', itemsCleaned: 1 });
    expect(await readdir(directory)).toEqual([]);
  });

  it('counts a file once that is looked at for its age, and again for the room it takes', async () => {
    const directory = join(root, 'cache');
    await mkdir(directory);
    for (let i = 0; i < 10; i++) await old(join(directory, `${i}.bin`), 'x'.repeat(65_536), 40 + i);
    const run = (dryRun: boolean) =>
      scope({ directories: [{ name: 'files', directory, maxSizeMb: 0.25, maxShare: 1 }] }).runs.run('disk_cleanup', {
        dryRun,
      });
    expect(await run(true)).toMatchObject({ itemsProcessed: 6, itemsCleaned: 0 });
    expect(await run(false)).toMatchObject({ status: 'completed', itemsProcessed: 10, itemsCleaned: 6 });
    expect(await readdir(directory)).toHaveLength(4);
  });

  it.skipIf(!available.redis)('removes the keys of its pattern alone (needs Redis: npm run services)', async () => {
    const redis = new Redis(redisUrl);
    const prefix = redisPrefix();
    try {
      const fill = redis.pipeline();
      for (let i = 0; i < 10_000; i++) fill.set(`${prefix}cache:${i}`, 'x'.repeat(50));
      for (let i = 0; i < 50; i++) fill.set(`${prefix}keep:${i}`, 'y');
      await fill.exec();
      const cache = scope({ caches: [{ name: 'redis', redis: () => redis, pattern: `${prefix}cache:*` }] });
      const run = (dryRun: boolean) => cache.runs.run('cache_cleanup', { redisCleanup: true, dryRun });
      expect(await run(true)).toMatchObject({ itemsProcessed: 10_000, itemsCleaned: 0 });
      const cleared = await run(false);
      expect(cleared).toMatchObject({ status: 'completed', itemsCleaned: 10_000 });
      expect(cleared.spaceEstimatedMb).toBeGreaterThan(0.5);
      expect(await redis.keys(`${prefix}*`)).toHaveLength(50);
    } finally {
      const left = await redis.keys(`${prefix}*`);
      if (left.length > 0) await redis.unlink(...left);
      redis.disconnect();
    }
  });
});

describe('the allow-list', () => {
  it.each(['/', '/tmp', 'relative/logs', process.cwd(), '/tmp/../tmp', '/a/../b'])(
    'refuses the directory %s',
    (directory) => {
      expect(() => scope({ logs: [{ name: 'x', directory }] })).toThrowError(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
    },
  );
  it.each(['*', 'ab*', '?bc:*', '[abc]def*'])('refuses the Redis pattern %s', (pattern) => {
    const redis = () => Promise.reject(new Error('never asked'));
    expect(() => scope({ caches: [{ name: 'x', redis, pattern }] })).toThrowError(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});
