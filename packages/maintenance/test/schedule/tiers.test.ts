import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { databaseFromUrl } from '@dotmac/core/kysely';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { available, redisPrefix, redisUrl } from '../../../../test/support/services.js';
import { kyselyMaintenanceStore } from '../../src/index.js';
import { dialects } from '../support/databases.js';

const everyMs = 20_000;
let worker: Awaited<ReturnType<typeof bundleWorker>>;
beforeAll(async () => {
  worker = await bundleWorker(new URL('../support/caching-worker.ts', import.meta.url));
});
afterAll(() => worker.remove());

for (const { title, present, fresh: createFresh } of dialects.filter(({ dialect }) => dialect !== 'mysql'))
  describe.skipIf(!present || !available.redis)(`a schedule of caches on ${title} (needs Redis)`, () => {
    const cleanUps: (() => unknown)[] = [];
    afterEach(async () => {
      for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    });

    it('cleans Redis once, files on each machine, memory in each process', { timeout: 120_000 }, async () => {
      const fresh = await createFresh();
      const database = databaseFromUrl(fresh.url);
      cleanUps.push(fresh.drop, () => database.close());
      const store = kyselyMaintenanceStore(database);
      await store.migrate();
      const parent = await mkdtemp(join(tmpdir(), 'dotmac-tiers-'));
      const redis = new Redis(redisUrl);
      const prefix = redisPrefix();
      cleanUps.push(
        () => rm(parent, { recursive: true }),
        () => redis.quit(),
      );
      for (const host of ['one', 'other']) await mkdir(join(parent, host), { mode: 0o700 });
      // Before the processes are there: what comes due for them while they start counts as well.
      const old = Date.now() / 1_000 - 86_400 * 3;
      for (const host of ['one', 'other'])
        for (const name of ['a', 'b']) {
          await writeFile(join(parent, host, name), 'x');
          await utimes(join(parent, host, name), old, old);
        }
      for (let key = 0; key < 20; key++) await redis.set(`${prefix}${key}`, 'x');

      const processes = await Promise.all(
        ['one', 'one', 'other'].map(async (host) => {
          const told = [fresh.url, host, join(parent, host), redisUrl, prefix];
          const it: ChildProcess = spawn(process.execPath, [worker.path, ...told], {
            stdio: ['ignore', 'pipe', 'inherit'],
          });
          cleanUps.push(() => it.exitCode ?? it.kill('SIGKILL'));
          if (it.stdout) await once(it.stdout, 'data');
          return it;
        }),
      );
      // All are there well before it comes due.
      const slotAt = Math.ceil((Date.now() + 1_000) / everyMs) * everyMs;
      const lines = () => store.slots('acme').at('caches', slotAt);
      const ended = async () => (await lines()).filter(({ outcome }) => outcome === 'completed').length;
      for (const end = performance.now() + 60_000; (await ended()) < 6;) {
        if (performance.now() > end) throw new Error(`of six runs: ${JSON.stringify(await lines())}`);
        await sleep(50);
      }
      const over = processes.map((it) => once(it, 'exit'));
      for (const it of processes) it.kill('SIGTERM');
      await Promise.all(over);

      const slot = await lines();
      expect(slot).toHaveLength(6);
      const runs = await store.runs('acme').list({ limit: 500 });
      const kindsOf = (ids: readonly (string | null)[]) =>
        runs
          .filter(({ id }) => ids.includes(id))
          .flatMap(({ details, scopeId }) =>
            (details as { policies: { kind: string; removed: number }[] }).policies.map((it) => ({ ...it, scopeId })),
          );
      const those = kindsOf(slot.map(({ runId }) => runId));
      expect(those.map(({ kind }) => kind).sort()).toEqual([
        ...['directory', 'directory', 'memory', 'memory', 'memory', 'redis'],
      ]);
      expect(those.flatMap(({ kind, scopeId }) => (kind === 'redis' ? [scopeId] : []))).toEqual(['']);
      expect(those.flatMap(({ kind, scopeId }) => (kind === 'directory' ? [scopeId] : [])).sort()).toEqual([
        ...['one', 'other'],
      ]);
      for (const { kind, removed } of those) if (kind === 'memory') expect(removed).toBeGreaterThan(0);
      const all = kindsOf(runs.map(({ id }) => id));
      const removedOf = (wanted: string) => all.reduce((sum, it) => sum + (it.kind === wanted ? it.removed : 0), 0);
      expect([removedOf('redis'), removedOf('directory'), (await redis.keys(`${prefix}*`)).length]).toEqual([20, 4, 0]);
      for (const host of ['one', 'other']) expect(await readdir(join(parent, host))).toEqual([]);
    });
  });
