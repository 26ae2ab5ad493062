import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleWorker } from '../../../../test/support/bundle-worker.js';
import { isLong } from '../../../../test/support/length.js';
import { clearRoom } from '../../src/files/make-room.js';
import { openRoot, UnsafePathError } from '../../src/files/root.js';
import { logFolder, rotate, type LogFolder } from '../support/logs.js';
import { anyAge } from '../support/room.js';

/** How long things are swapped; longer by `npm run test:long`. */
const seconds = isLong ? 60 : 4;

let worker: Awaited<ReturnType<typeof bundleWorker>>;
let folder: LogFolder;
let outside: string;
beforeAll(async () => void (worker = await bundleWorker(new URL('swapper-worker.ts', import.meta.url))));
afterAll(() => worker.remove());
beforeEach(async () => {
  folder = await logFolder();
  outside = join(folder.directory, '..', 'outside');
  for (const directory of ['', 'deep', 'deep/er']) {
    await mkdir(join(outside, directory), { recursive: true });
    for (const name of ['app.log', 'app.log.20200101T000000Z', 'stale'])
      await old(join(outside, directory, name), 'canary');
  }
});
afterEach(() => folder.remove());

async function old(path: string, content: string): Promise<void> {
  await writeFile(path, content);
  await utimes(path, 1, 1);
}

/** All names, contents, modes and times below a directory. */
async function fingerprint(directory: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(directory, { recursive: true })).sort()) {
    const path = join(directory, name);
    const { mode, size, mtimeMs, uid } = await lstat(path);
    hash.update(`${name} ${mode} ${size} ${mtimeMs} ${uid}\n`);
    if (size === 6) hash.update(await readFile(path));
  }
  return hash.digest('hex');
}

/** What a call may say whose file was just swapped. */
const raced = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EEXIST', 'EPERM'];

/** Does something again and again while things are swapped; until it came to enough, for that takes luck. */
async function whileSwapping(
  pairs: readonly string[],
  round: () => Promise<unknown>,
  isEnough: () => boolean,
): Promise<{ rounds: number; refused: number }> {
  const swapper = fork(worker.path, pairs);
  const ended = once(swapper, 'exit');
  await once(swapper, 'message');
  let [rounds, refused] = [0, 0];
  const until = performance.now() + seconds * 1_000;
  try {
    const more = (): boolean => performance.now() < until + 50_000 && (rounds < 20 || !isEnough());
    for (; performance.now() < until || more(); rounds++)
      await round().catch((error: unknown) => {
        if (!(error instanceof UnsafePathError) && !raced.includes((error as { code?: string }).code ?? ''))
          throw error;
        refused += 1;
      });
  } finally {
    swapper.kill('SIGKILL');
    await ended;
  }
  return { rounds, refused };
}

describe('while a directory is turned into a link and back', () => {
  it(
    'a cleaning deletes nothing outside',
    async () => {
      const cache = join(folder.directory, 'cache');
      const before = await fingerprint(outside);
      let removed = 0;
      const { rounds } = await whileSwapping(
        [join(cache, 'a'), outside, join(cache, 'b', 'c'), join(outside, 'deep')],
        async () => {
          for (const directory of ['a', 'a/deep', 'b/c']) {
            await mkdir(join(cache, directory), { recursive: true }).catch(() => undefined);
            // Never through a link: this test would itself write outside.
            const at = await openRoot(join(cache, directory)).catch(() => null);
            await (await at?.create('stale', 0o600).catch(() => null))?.close();
            await at?.close();
          }
          const root = await openRoot(cache);
          if (!root) return;
          const job = anyAge();
          try {
            await clearRoom(root, ...job);
          } finally {
            removed += job[2].total.removed;
            await root.close();
          }
        },
        () => removed > 3,
      );
      expect(await fingerprint(outside)).toBe(before);
      expect(rounds).toBeGreaterThanOrEqual(20);
      expect(removed).toBeGreaterThan(3);
    },
    60_000 + seconds * 2_000,
  );

  it.each(['rename', 'copytruncate'] as const)(
    'a rotation by %s changes nothing outside',
    async (method) => {
      const before = await fingerprint(outside);
      const logs = folder.directory;
      const pairs = [
        logs,
        outside,
        join(logs, 'app.log'),
        join(outside, 'app.log'),
        join(logs, 'web.log'),
        join(outside, 'stale'),
      ];
      let rotated = 0;
      const { rounds } = await whileSwapping(
        pairs,
        async () => {
          const root = await openRoot(logs);
          if (!root) return;
          for (const name of ['app.log', 'web.log', 'quiet.log']) {
            const file = await root.create(name, 0o600).catch(() => null);
            await file?.writeFile('a line\n');
            await file?.close();
          }
          await root.close();
          // The link may lead outside from here on.
          rotated += (await rotate(folder, { maxSizeMb: 1e-9, method, naming: 'numbered', keepFiles: 3 })).counts
            .rotated;
        },
        () => rotated > 3,
      );
      expect(existsSync(outside)).toBe(true);
      expect(await fingerprint(outside)).toBe(before);
      expect(rounds).toBeGreaterThanOrEqual(20);
      expect(rotated).toBeGreaterThan(3);
    },
    60_000 + seconds * 2_000,
  );
});
