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
