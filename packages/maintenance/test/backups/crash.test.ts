import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Sqlite from 'better-sqlite3';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMaintenance, memoryMaintenanceStore } from '../../src/index.js';

let root: string;
let child: string;
const here = (...path: string[]): string => join(import.meta.dirname, '..', ...path);
const scopeOf = (place: string) =>
  createMaintenance({
    store: memoryMaintenanceStore(),
    backups: [{ name: 'main', url: `sqlite:${join(root, 'app.db')}`, directory: place, keep: { last: 1 } }],
  }).scope({ tenantId: 'acme' });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dotmac-crash-'));
  child = join(root, 'child.cjs');
  const db = new Sqlite(join(root, 'app.db'));
  db.exec("create table t (x); insert into t values ('one'), ('two')");
  db.close();
  await mkdir(join(root, 'first'));
  await scopeOf(join(root, 'first')).runs.run('backup_management', {});
  await build({
    stdin: {
      contents: `import { createMaintenance, memoryMaintenanceStore } from './index.js';
        const [place, file] = process.argv.slice(2);
        const { runs } = createMaintenance({ store: memoryMaintenanceStore(),
          backups: [{ name: 'main', url: 'sqlite:' + file, directory: place, keep: { last: 1 } }] }).scope({ tenantId: 'acme' });
        runs.run('backup_management', {}).then(({ status }) => process.exit(status === 'completed' ? 0 : 1));`,
      resolveDir: here('..', 'src'),
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: child,
    conditions: ['@dotmac/source'],
    external: ['pg', 'mysql2', 'better-sqlite3', 'ioredis'],
    alias: { 'node:fs/promises': here('support', 'dying-files.ts') },
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(import.meta.filename).href) },
  });
}, 60_000);
afterAll(() => rm(root, { recursive: true }));

/** Runs a backup in a process that dies at its nth operation; true when it died. */
async function dies(place: string, at: number): Promise<boolean> {
  const { DIE_AT: _, ...env } = process.env;
  const dying = fork(child, [place, join(root, 'app.db')], { env: { ...env, DIE_AT: String(at) }, stdio: 'ignore' });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    dying.once('exit', (...how) => resolve(how)),
  );
  if (signal === null) expect(code).toBe(0);
  return signal === 'SIGKILL';
}

/** Runs a backup in a process in which the nth operation fails; true when there was one. */
async function fails(place: string, at: number, code: string): Promise<boolean> {
  const env = { ...process.env, FAIL_AT: String(at), FAIL_CODE: code };
  const failing = fork(child, [place, join(root, 'app.db')], { env, stdio: 'ignore' });
  let failed = false;
  failing.on('message', () => (failed = true));
  const [exit] = await new Promise<[number | null]>((resolve) => failing.once('close', (it) => resolve([it])));
  // It may well succeed all the same: not every removal matters.
  expect(exit === 0 || (failed && exit === 1)).toBe(true);
  return failed;
}

async function expectWhole(place: string): Promise<number> {
  const { items } = await scopeOf(place).backups.list({});
  for (const { id, sha256, state } of items) {
    const dump = await readFile(join(place, `main-${id}.sqlite.gz`));
    expect(createHash('sha256').update(dump).digest('hex')).toBe(sha256);
    expect(['verified', 'unverified']).toContain(state);
  }
  expect(items.some(({ state }) => state === 'verified')).toBe(true);
  return items.length;
}

describe('a process that is killed while it backs up', () => {
  it('leaves whole backups alone, wherever that is, and the next run cleans up', async () => {
    let deaths = 0;
    for (let at = 1; ; at++) {
      const place = join(root, `at-${at}`);
      await cp(join(root, 'first'), place, { recursive: true });
      const died = await dies(place, at);
      await expectWhole(place);
      if (!died) break;
      deaths += 1;
      expect(await scopeOf(place).runs.run('backup_management', {})).toMatchObject({ status: 'completed' });
      expect(await expectWhole(place)).toBe(1);
      expect(await readdir(place)).toHaveLength(2);
    }
    expect(deaths).toBeGreaterThan(20);
  }, 300_000);
});

/** What became of a backup in which the nth operation failed, and of the next: true when there was one. */
async function goesOnAfter(at: number, code: string): Promise<boolean> {
  const place = join(root, `${code}-${at}`);
  await cp(join(root, 'first'), place, { recursive: true });
  const failed = await fails(place, at, code);
  await expectWhole(place);
  if (!failed) return false;
  expect([at, code, await scopeOf(place).runs.run('backup_management', {})]).toMatchObject([at, code, { status: 'completed' }]); // prettier-ignore
  expect([at, code, await expectWhole(place), (await readdir(place)).length]).toEqual([at, code, 1, 2]);
  return true;
}

describe('a backup in which one call fails', () => {
  it('leaves whole backups alone, whichever it is, and the next run is done', async () => {
    let at = 1;
    while ((await Promise.all(['ENOSPC', 'EIO'].map((code) => goesOnAfter(at, code)))).every(Boolean)) at += 1;
    expect(at).toBeGreaterThan(20);
  }, 300_000);
});
